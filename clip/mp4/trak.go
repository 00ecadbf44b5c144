package mp4

import "fmt"

// parseTrack reads the body of trak (ISO/IEC 14496-12 8.3.1).
func parseTrack(body []byte) (*Track, error) {
	t := &Track{}
	var seen []FourCC
	var media []byte
	for c, err := range Children(body) {
		if err != nil {
			return nil, fmt.Errorf("box %s: %w", TypeTrak, err)
		}
		switch c.Type {
		case TypeTkhd:
			if err := t.parseTkhd(c.Body); err != nil {
				return nil, err
			}
		case TypeEdts:
			if t.Edits, err = parseEdts(c.Body); err != nil {
				return nil, err
			}
		case TypeMdia:
			media = c.Body
		default:
			continue
		}
		seen = append(seen, c.Type)
	}
	if err := onceEach(seen, TypeTkhd, TypeMdia); err != nil {
		return nil, err
	}
	return t, t.parseMdia(media)
}

// onceEach refuses a list of box types in which one of the needed ones is missing or any stands twice.
func onceEach(seen []FourCC, needed ...FourCC) error {
	count := make(map[FourCC]int, len(seen))
	for _, kind := range seen {
		if count[kind]++; count[kind] > 1 {
			return fmt.Errorf("box %s stands twice: %w", kind, ErrMalformed)
		}
	}
	for _, kind := range needed {
		if count[kind] == 0 {
			return fmt.Errorf("box %s is missing: %w", kind, ErrMalformed)
		}
	}
	return nil
}

// parseEdts reads the body of edts: an edit list, or none.
func parseEdts(body []byte) ([]Edit, error) {
	list, ok := findBox(body, TypeElst, false)
	if !ok {
		return nil, nil
	}
	return parseElst(list)
}

// parseMdia reads the body of mdia (ISO/IEC 14496-12 8.4.1).
func (t *Track) parseMdia(body []byte) error {
	var seen []FourCC
	var info []byte
	for c, err := range Children(body) {
		if err != nil {
			return fmt.Errorf("box %s: %w", TypeMdia, err)
		}
		switch c.Type {
		case TypeMdhd:
			if err := t.parseMdhd(c.Body); err != nil {
				return err
			}
		case TypeHdlr:
			if err := t.parseHdlr(c.Body); err != nil {
				return err
			}
		case TypeMinf:
			info = c.Body
		default:
			continue
		}
		seen = append(seen, c.Type)
	}
	if err := onceEach(seen, TypeMdhd, TypeHdlr, TypeMinf); err != nil {
		return err
	}
	if t.Timescale == 0 {
		return fmt.Errorf("box %s: timescale 0: %w", TypeMdhd, ErrMalformed)
	}
	for c, err := range Children(info) {
		if err != nil {
			return fmt.Errorf("box %s: %w", TypeMinf, err)
		}
		if c.Type == TypeStbl {
			return t.parseStbl(c.Body)
		}
	}
	return fmt.Errorf("box %s is missing: %w", TypeStbl, ErrMalformed)
}

// parseStbl reads the body of stbl (ISO/IEC 14496-12 8.5.1).
func (t *Track) parseStbl(body []byte) error {
	var seen []FourCC
	for c, err := range Children(body) {
		if err != nil {
			return fmt.Errorf("box %s: %w", TypeStbl, err)
		}
		kind := c.Type
		switch c.Type {
		case TypeStsd:
			t.Entries, err = parseStsd(c.Body, t.Handler)
		case TypeStts:
			t.Durations.raw, err = parseTable(c, runSize)
		case TypeCtts:
			t.Offsets.raw, err = parseTable(c, runSize)
		case TypeStss:
			t.Syncs.present = true
			t.Syncs.raw, err = parseTable(c, syncNumberSize)
		case TypeStsz:
			t.Sizes, err = parseStsz(c.Body)
		case TypeStz2:
			kind = TypeStsz // one or the other
			t.Sizes, err = parseStz2(c.Body)
		case TypeStsc:
			t.ChunkRuns.raw, err = parseTable(c, chunkRunSize)
		case TypeStco, TypeCo64:
			kind = TypeStco // one or the other
			t.ChunkOffsets, err = parseStco(c)
		default:
			continue
		}
		if err != nil {
			return err
		}
		seen = append(seen, kind)
	}
	return onceEach(seen, TypeStsd)
}
