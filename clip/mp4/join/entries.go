package join

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"clipfs/clip/mp4"
)

// addEntries gives the numbers of a part's sample entries in the joined track, adding those that are new. All have to
// have one coding: players show half of a track that mixes avc1 with hvc1, or hvc1 with hev1.
func (t *outputTrack) addEntries(entries []mp4.SampleEntry) ([]int, error) {
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
			set, err := e.ParameterSets()
			if err != nil {
				return nil, err
			}
			raw, err := t.standalone(e)
			if err != nil {
				return nil, err
			}
			t.keys[key] = n
			t.entries = append(t.entries, raw)
			t.sets = append(t.sets, inBand(set))
			if n == 0 {
				t.nalLength = set.Length
			}
			if set.Length != t.nalLength {
				return nil, fmt.Errorf("NAL unit lengths of %d bytes after %d: %w", set.Length, t.nalLength, ErrIncompatible)
			}
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// standalone gives a sample entry as it can stand among others in an stsd of version 0.
func (t *outputTrack) standalone(e mp4.SampleEntry) ([]byte, error) {
	raw := bytes.Clone(e.Raw)
	if binary.BigEndian.Uint32(raw) == 0 { // it went on to the end of its stsd
		binary.BigEndian.PutUint32(raw, uint32(len(raw)))
	}
	_, err := mp4.ParseSampleEntry(raw, t.handler)
	return raw, err
}

// entryKey is equal for sample entries that decode alike. What differs from payload to payload is left out: bit rates, and
// of video what is said of how it is to be shown (pasp, colr, clap, fiel, gama, chrm, mdcv, clli) and by what it was coded.
func entryKey(e mp4.SampleEntry) string {
	const entryHeader = 8
	fixed := len(e.Raw) - len(e.Boxes)
	key := append([]byte(nil), e.Raw[min(entryHeader, fixed):fixed]...)
	if len(key) == visualEntry { // ISO/IEC 14496-12 12.1.3
		clear(key[compressorName : compressorName+32])
	}
	for c, err := range mp4.Children(e.Boxes) {
		if err != nil {
			return string(e.Raw)
		}
		switch {
		case c.Type == typeBtrt, len(key) >= visualEntry && isLook(c.Type):
		case c.Type == mp4.TypeEsds:
			config, err := mp4.ParseEsds(c.Body)
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
const typeBtrt mp4.FourCC = 'b'<<24 | 't'<<16 | 'r'<<8 | 't'

// isLook reports whether a box of a video sample entry says how pictures are to be shown, and nothing of how they are coded
// (ISO/IEC 14496-12 12.1.4, 12.1.5; 14496-15; QuickTime).
func isLook(kind mp4.FourCC) bool {
	switch kind.String() {
	case "pasp", "colr", "clap", "fiel", "gama", "chrm", "mdcv", "clli":
		return true
	}
	return false
}

// inBand gives parameter sets as they stand in a sample, each with its length before it.
func inBand(s mp4.ParameterSets) []byte {
	var b []byte
	for _, unit := range s.Units {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(unit)))
		b = append(append(b, length[4-s.Length:]...), unit...)
	}
	return b
}
