package form

import (
	"encoding/binary"
	"fmt"
	"io"
)

// movie is a plain file: its head as a tree, and where its media lies.
type movie struct {
	src   io.ReaderAt
	ftyp  []byte
	moov  *box
	scale uint32
	// media is what the mdat boxes will hold: sections of src. mediaAt is where its mdat's content begins.
	media    []piece
	mediaAt  int64
	moovLast bool
	tracks   []*track
}

// track is one track of a movie.
type track struct {
	trak    *box
	handler string
	scale   uint32
	// chunks are the places of its chunks, from the first byte of media on.
	chunks []int64
}

// maxHead is the largest moov that is read, in bytes.
const maxHead = 256 << 20

// readMovie reads the boxes of a file but for its media.
func readMovie(src io.ReaderAt, size int64) (*movie, error) {
	m := &movie{src: src}
	for at := int64(0); at < size; {
		var head [16]byte
		if n, err := src.ReadAt(head[:], at); n < 8 {
			return nil, fmt.Errorf("box at %d: %w: %w", at, errForm, err)
		}
		length, header := int64(binary.BigEndian.Uint32(head[:])), int64(8)
		if length == 1 {
			length, header = int64(binary.BigEndian.Uint64(head[8:])), 16
		}
		if length < header || length > size-at {
			return nil, fmt.Errorf("box at %d of %d bytes: %w", at, length, errForm)
		}
		switch kind := string(head[4:8]); kind {
		case "mdat":
			m.mediaAt, m.media = at+header, []piece{{at: at + header, length: length - header}}
		case "ftyp", "moov":
			if length > maxHead {
				return nil, fmt.Errorf("%s of %d bytes: %w", kind, length, errForm)
			}
			b := make([]byte, length)
			if _, err := src.ReadAt(b, at); err != nil {
				return nil, err
			}
			if kind == "ftyp" {
				m.ftyp = b
				break
			}
			boxes, err := parseBoxes(b)
			if err != nil {
				return nil, err
			}
			m.moov, m.moovLast = boxes[0], m.mediaAt > 0
		}
		at += length
	}
	if m.moov == nil || m.mediaAt == 0 {
		return nil, fmt.Errorf("no moov or no mdat: %w", errForm)
	}
	return m, m.readTracks()
}

// readTracks finds the tracks of the moov.
func (m *movie) readTracks() error {
	mvhd := m.moov.find("mvhd")
	if mvhd == nil {
		return fmt.Errorf("no mvhd: %w", errForm)
	}
	m.scale = word(mvhd.body, field(mvhd.body, 12, 20))
	for _, k := range m.moov.kids {
		if k.kind != "trak" {
			continue
		}
		t, err := newTrack(k)
		if err != nil {
			return err
		}
		for i := range t.chunks {
			t.chunks[i] -= m.mediaAt
		}
		m.tracks = append(m.tracks, t)
	}
	return nil
}

// newTrack reads a track; its chunks lie where the file says.
func newTrack(trak *box) (*track, error) {
	mdhd, hdlr, stbl := trak.find("mdia", "mdhd"), trak.find("mdia", "hdlr"), trak.find("mdia", "minf", "stbl")
	if mdhd == nil || hdlr == nil || stbl == nil || trak.find("tkhd") == nil || len(hdlr.body) < 12 {
		return nil, fmt.Errorf("track without its boxes: %w", errForm)
	}
	t := &track{trak: trak, handler: string(hdlr.body[8:12]), scale: word(mdhd.body, field(mdhd.body, 12, 20))}
	if t.scale == 0 {
		return nil, fmt.Errorf("track without a timescale: %w", errForm)
	}
	if co64 := stbl.find("co64"); co64 != nil {
		for i := 8; i+8 <= len(co64.body); i += 8 {
			t.chunks = append(t.chunks, int64(binary.BigEndian.Uint64(co64.body[i:])))
		}
		stbl.remove("co64")
	} else if stco := stbl.find("stco"); stco != nil {
		for i := 8; i+4 <= len(stco.body); i += 4 {
			t.chunks = append(t.chunks, int64(word(stco.body, i)))
		}
	}
	return t, nil
}

// stbl gives the sample tables of a track.
func (t *track) stbl() *box { return t.trak.find("mdia", "minf", "stbl") }

// size is how long the media is.
func (m *movie) size() int64 {
	var n int64
	for _, p := range m.media {
		n += p.length
	}
	return n
}

// section gives a range of the media.
func (m *movie) section(from, to int64) []piece {
	var out []piece
	for _, p := range m.media {
		if from < p.length && to > 0 {
			start := max(from, 0)
			out = append(out, piece{at: p.at + start, length: min(to, p.length) - start})
		}
		from, to = from-p.length, to-p.length
	}
	return out
}

// first gives the first track of a handler; nil if there is none.
func (m *movie) first(handler string) *track {
	for _, t := range m.tracks {
		if t.handler == handler {
			return t
		}
	}
	return nil
}
