package mp4

import "fmt"

// ParameterSets are the parameter sets in a decoder configuration of H.264 or H.265.
type ParameterSets struct {
	// Length is how many bytes give the length of a NAL unit in samples; 0 where the coding has no NAL units.
	Length int
	// Units are NAL units in the order in which a decoder needs them: parts of the entry, not copies.
	Units [][]byte
}

// ParameterSets reads the configuration in a video sample entry: avcC (ISO/IEC 14496-15 5.3.3.1.2) or hvcC
// (8.3.3.1.2). Entries of other codings have none.
func (s SampleEntry) ParameterSets() (ParameterSets, error) {
	var p ParameterSets
	var kind FourCC
	var read func(*decoder, *ParameterSets)
	switch s.Type {
	case CodingAVC1, CodingAVC3:
		kind, read = TypeAvcC, readAVC
	case CodingHVC1, CodingHEV1:
		kind, read = TypeHvcC, readHEVC
	default:
		return p, nil
	}
	config, ok := s.Config(kind)
	if !ok {
		return p, fmt.Errorf("sample entry %s: no %s: %w", s.Type, kind, ErrMalformed)
	}
	d := decoder{b: config}
	read(&d, &p)
	for _, unit := range p.Units {
		if uint64(len(unit)) >= 1<<(8*p.Length) {
			d.short = true
		}
	}
	return p, d.err(kind)
}

// readAVC takes an AVCDecoderConfigurationRecord.
func readAVC(d *decoder, p *ParameterSets) {
	d.skip(4)
	p.Length = int(d.u8()&3) + 1
	for range d.u8() & 31 {
		p.Units = append(p.Units, d.take(int(d.u16())))
	}
	for range d.u8() {
		p.Units = append(p.Units, d.take(int(d.u16())))
	}
}

// readHEVC takes an HEVCDecoderConfigurationRecord; of its arrays VPS, SPS and PPS, in this order.
func readHEVC(d *decoder, p *ParameterSets) {
	const firstSet, lastSet = 32, 34
	d.skip(21)
	p.Length = int(d.u8()&3) + 1
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
		p.Units = append(p.Units, list...)
	}
}
