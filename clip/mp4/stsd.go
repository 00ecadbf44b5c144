package mp4

import "fmt"

// SampleEntry is one entry of stsd (ISO/IEC 14496-12 8.5.2): how samples are coded.
type SampleEntry struct {
	Type FourCC
	// Raw is the whole entry box; a Writer takes it as it is.
	Raw []byte
	// Width and Height of the coded picture in pixels; 0 for sound.
	Width, Height uint16
	// Channels and Rate (Hz, its whole part) as the entry states them; 0 for video. For AAC the AudioSpecificConfig
	// is what counts.
	Channels uint16
	Rate     uint32
	// Boxes are the boxes within the entry.
	Boxes []byte
}

// parseStsd reads the body of stsd; handler says what kind of entries it has.
func parseStsd(body []byte, handler FourCC) ([]SampleEntry, error) {
	d := decoder{b: body}
	version, _ := d.fullBox()
	count := d.u32()
	if err := d.err(TypeStsd); err != nil {
		return nil, err
	}
	var entries []SampleEntry
	for c, err := range Children(d.b) {
		if err != nil {
			return nil, fmt.Errorf("box %s: %w", TypeStsd, err)
		}
		if uint32(len(entries)) == count {
			break
		}
		e, err := parseEntry(c, handler, version)
		if err != nil {
			return nil, fmt.Errorf("box %s: %w", TypeStsd, err)
		}
		entries = append(entries, e)
	}
	if uint32(len(entries)) != count {
		return nil, fmt.Errorf("box %s: %d entries of %d: %w", TypeStsd, len(entries), count, ErrMalformed)
	}
	return entries, nil
}

// parseEntry reads one sample entry. Entries of other handlers are kept raw.
func parseEntry(c Child, handler FourCC, version uint8) (SampleEntry, error) {
	s := SampleEntry{Type: c.Type, Raw: c.Raw}
	d := decoder{b: c.Body}
	d.skip(8)
	switch handler {
	case HandlerVideo: // VisualSampleEntry, ISO/IEC 14496-12 12.1.3
		d.skip(16)
		s.Width, s.Height = d.u16(), d.u16()
		d.skip(50)
	case HandlerSound: // AudioSampleEntry, ISO/IEC 14496-12 12.2.3
		soundVersion := d.u16()
		d.skip(6)
		s.Channels = d.u16()
		d.skip(6)
		s.Rate = d.u32() >> 16
		// QuickTime's versions 1 and 2 have more fields. An AudioSampleEntryV1 of ISO, in an stsd of version 1,
		// has not.
		switch {
		case version == 0 && soundVersion == 1:
			d.skip(16)
		case version == 0 && soundVersion == 2:
			d.skip(36)
		}
	}
	s.Boxes = d.b
	return s, d.err(c.Type)
}

// ParseSampleEntry reads a sample entry of a handler's track, given whole, as it can stand in an stsd of version 0.
func ParseSampleEntry(raw []byte, handler FourCC) (SampleEntry, error) {
	c, err := firstChild(raw)
	if err != nil {
		return SampleEntry{}, err
	}
	return parseEntry(c, handler, 0)
}

// Config gives the body of the first box of a type within the entry, avcC for example, and whether there is one.
// QuickTime's wave container is looked into.
func (s SampleEntry) Config(kind FourCC) ([]byte, bool) {
	return findBox(s.Boxes, kind, true)
}

// findBox finds a box in b; an error ends the search.
func findBox(b []byte, kind FourCC, wave bool) ([]byte, bool) {
	for c, err := range Children(b) {
		if err != nil {
			return nil, false
		}
		if c.Type == kind {
			return c.Body, true
		}
		if c.Type == TypeWave && wave {
			if body, ok := findBox(c.Body, kind, false); ok {
				return body, true
			}
		}
	}
	return nil, false
}

// AudioSpecificConfig gives the configuration of AAC (ISO/IEC 14496-3 1.6.2.1) from the entry's esds; ErrMalformed if
// there is none.
func (s SampleEntry) AudioSpecificConfig() ([]byte, error) {
	body, ok := s.Config(TypeEsds)
	if !ok {
		return nil, fmt.Errorf("sample entry %s: no %s: %w", s.Type, TypeEsds, ErrMalformed)
	}
	return ParseEsds(body)
}
