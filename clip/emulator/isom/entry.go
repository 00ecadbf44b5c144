package isom

import "fmt"

// Entry is one entry of stsd (8.5.2): how samples are coded.
type Entry struct {
	Coding string
	// Width and Height are those of a picture, in pixels; Channels and Rate (in Hz) those of sound.
	Width, Height, Channels, Rate int

	boxes []byte
}

// Entries reads the sample entries of a track.
func (t *Track) Entries() ([]Entry, error) {
	stsd := body(t.Tables().Find("stsd"))
	boxes, err := Parse(stsd[min(8, len(stsd)):])
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, b := range boxes {
		e, fixed := Entry{Coding: b.Kind}, 78
		if t.Handler == Video { // 12.1.3
			e.Width, e.Height = int(half(b.Body, 24)), int(half(b.Body, 26))
		} else { // 12.2.3
			e.Channels, e.Rate, fixed = int(half(b.Body, 16)), int(Word(b.Body, 24)>>16), 28
			// QuickTime's versions 1 and 2 have more fields. Version 1 of ISO, in an stsd of version 1, has not.
			if stsd[0] == 0 {
				fixed += []int{0, 16, 36}[half(b.Body, 8)%3]
			}
		}
		if fixed > len(b.Body) {
			return nil, fmt.Errorf("sample entry %q of %d bytes: %w", b.Kind, len(b.Body), ErrInvalid)
		}
		e.boxes = b.Body[fixed:]
		all = append(all, e)
	}
	return all, nil
}

// Config gives the body of the first box of a kind within the entry, and in QuickTime's wave container; nil if there is none.
func (e Entry) Config(kind string) []byte {
	return find(e.boxes, kind, "wave")
}

// find finds a box of a kind in b, or in the boxes of a container; what is no box ends the search.
func find(b []byte, kind, container string) []byte {
	for len(b) >= 8 {
		size := int64(Word(b, 0))
		if size < 8 || size > int64(len(b)) {
			return nil
		}
		switch inner := b[8:size:size]; string(b[4:8]) {
		case kind:
			return inner
		case container:
			if found := find(inner, kind, ""); found != nil {
				return found
			}
		}
		b = b[size:]
	}
	return nil
}

// AudioConfig finds the AudioSpecificConfig of AAC (ISO/IEC 14496-3 1.6.2.1) in the descriptors of esds (14496-1 7.2.6);
// nil if there is none.
func (e Entry) AudioConfig() []byte {
	esds := e.Config("esds")
	for rest := esds[min(4, len(esds)):]; len(rest) > 1; {
		tag, length, n := rest[0], 0, 1
		for ; n < len(rest) && n <= 4; n++ {
			length = length<<7 | int(rest[n]&0x7f)
			if rest[n]&0x80 == 0 {
				n++
				break
			}
		}
		inner := rest[n:][:min(length, len(rest)-n)]
		skip := length
		switch tag {
		case 3: // ES_Descriptor: an ID, and what its flags say
			skip = 3
			if len(inner) > 3 && inner[2]&0x80 != 0 {
				skip += 2
			}
			if len(inner) > skip && inner[2]&0x40 != 0 {
				skip += 1 + int(inner[skip])
			}
			if len(inner) > 2 && inner[2]&0x20 != 0 {
				skip += 2
			}
		case 4: // DecoderConfigDescriptor
			skip = 13
		case 5: // DecoderSpecificInfo
			return inner
		}
		rest = rest[min(n+skip, len(rest)):]
	}
	return nil
}
