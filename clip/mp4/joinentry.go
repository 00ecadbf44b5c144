package mp4

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// addEntries gives the numbers of a part's sample entries in the joined track, adding those that are new. All have to
// have one coding: players show half of a track that mixes avc1 with hvc1, or hvc1 with hev1.
func (t *joinTrack) addEntries(entries []SampleEntry) ([]int, error) {
	numbers := make([]int, 0, len(entries))
	for _, e := range entries {
		if len(t.entries) == 0 {
			t.coding = e.Type
		}
		if e.Type != t.coding {
			return nil, fmt.Errorf("coded as %s after %s: %w", e.Type, t.coding, ErrIncompatible)
		}
		key := entryKey(e)
		n, ok := t.keys[key]
		if !ok {
			n = len(t.entries)
			set, err := parameterSets(e)
			if err != nil {
				return nil, err
			}
			raw, err := t.standalone(e)
			if err != nil {
				return nil, err
			}
			t.keys[key] = n
			t.entries = append(t.entries, raw)
			t.sets = append(t.sets, set.inBand())
			if n == 0 {
				t.nalLength = set.length
			}
			if set.length != t.nalLength {
				return nil, fmt.Errorf("NAL unit lengths of %d bytes after %d: %w", set.length, t.nalLength, ErrIncompatible)
			}
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// standalone gives a sample entry as it can stand among others in an stsd of version 0.
func (t *joinTrack) standalone(e SampleEntry) ([]byte, error) {
	raw := bytes.Clone(e.Raw)
	if binary.BigEndian.Uint32(raw) == 0 { // it went on to the end of its stsd
		binary.BigEndian.PutUint32(raw, uint32(len(raw)))
	}
	c, err := firstChild(raw)
	if err != nil {
		return nil, err
	}
	_, err = parseEntry(c, t.handler, 0)
	return raw, err
}

// entryKey is equal for sample entries that decode alike. What differs from payload to payload is left out: bit rates, and
// of video what is said of how it is to be shown (pasp, colr, clap, fiel, gama, chrm, mdcv, clli) and by what it was coded.
func entryKey(e SampleEntry) string {
	const entryHeader = 8
	fixed := len(e.Raw) - len(e.boxes)
	key := append([]byte(nil), e.Raw[min(entryHeader, fixed):fixed]...)
	if len(key) == visualEntry { // ISO/IEC 14496-12 12.1.3
		clear(key[compressorName : compressorName+32])
	}
	for c, err := range Children(e.boxes) {
		if err != nil {
			return string(e.Raw)
		}
		switch {
		case c.Type == typeBtrt, len(key) >= visualEntry && isLook(c.Type):
		case c.Type == TypeEsds:
			config, err := parseEsds(c.Body)
			if err != nil {
				return string(e.Raw)
			}
			key = append(key, config...)
		default:
			key = append(key, c.Raw...)
		}
	}
	return string(key)
}

// visualEntry is how many bytes a sample entry of video has before its boxes, without its header, and compressorName
// where in them the name of the compressor stands.
const visualEntry, compressorName = 78, 42

// typeBtrt is a box of bit rates in a sample entry (ISO/IEC 14496-12 8.5.2).
const typeBtrt FourCC = 'b'<<24 | 't'<<16 | 'r'<<8 | 't'

// isLook reports whether a box of a video sample entry says how pictures are to be shown, and nothing of how they are coded
// (ISO/IEC 14496-12 12.1.4, 12.1.5; 14496-15; QuickTime).
func isLook(kind FourCC) bool {
	switch kind.String() {
	case "pasp", "colr", "clap", "fiel", "gama", "chrm", "mdcv", "clli":
		return true
	}
	return false
}

// nalSets are the parameter sets in a decoder configuration.
type nalSets struct {
	// length is how many bytes give the length of a NAL unit in samples; 0 where samples have none.
	length int
	units  [][]byte
}

// inBand gives the parameter sets as they stand in a sample, each with its length before it.
func (s nalSets) inBand() []byte {
	var b []byte
	for _, unit := range s.units {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(unit)))
		b = append(append(b, length[4-s.length:]...), unit...)
	}
	return b
}

// parameterSets reads the configuration in a video sample entry: avcC (ISO/IEC 14496-15 5.3.3.1.2) or hvcC
// (8.3.3.1.2). Entries of other codings have none.
func parameterSets(e SampleEntry) (nalSets, error) {
	var s nalSets
	var kind FourCC
	var read func(*decoder, *nalSets)
	switch e.Type {
	case CodingAVC1, CodingAVC3:
		kind, read = TypeAvcC, readAVC
	case CodingHVC1, CodingHEV1:
		kind, read = TypeHvcC, readHEVC
	default:
		return s, nil
	}
	config, ok := e.Config(kind)
	if !ok {
		return s, fmt.Errorf("sample entry %s: no %s: %w", e.Type, kind, ErrMalformed)
	}
	d := decoder{b: config}
	read(&d, &s)
	for _, unit := range s.units {
		if uint64(len(unit)) >= 1<<(8*s.length) {
			d.short = true
		}
	}
	return s, d.err(kind)
}

// readAVC takes an AVCDecoderConfigurationRecord.
func readAVC(d *decoder, s *nalSets) {
	d.skip(4)
	s.length = int(d.u8()&3) + 1
	for range d.u8() & 31 {
		s.units = append(s.units, d.take(int(d.u16())))
	}
	for range d.u8() {
		s.units = append(s.units, d.take(int(d.u16())))
	}
}

// readHEVC takes an HEVCDecoderConfigurationRecord; of its arrays VPS, SPS and PPS, in this order.
func readHEVC(d *decoder, s *nalSets) {
	const firstSet, lastSet = 32, 34
	d.skip(21)
	s.length = int(d.u8()&3) + 1
	var sets [lastSet - firstSet + 1][][]byte
	for range d.u8() {
		kind := d.u8() & 0x3f
		for range d.u16() {
			unit := d.take(int(d.u16()))
			if d.short {
				return
			}
			if kind >= firstSet && kind <= lastSet {
				sets[kind-firstSet] = append(sets[kind-firstSet], unit)
			}
		}
	}
	for _, list := range sets {
		s.units = append(s.units, list...)
	}
}
