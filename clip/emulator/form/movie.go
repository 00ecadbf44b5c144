package form

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"clipfs/clip/emulator/isom"
)

// errForm says that a file is not what a reshaper expects.
var errForm = errors.New("cannot be reshaped")

// movie is a plain file: its head as a tree, and where its media lies. The chunks of its tracks are counted from the first
// byte of media on.
type movie struct {
	*isom.Movie
	ftyp []byte
	// media is what the mdat boxes will hold: sections of the file. mediaAt is where its mdat's content begins.
	media    []piece
	mediaAt  int64
	moovLast bool
}

// maxHead is the largest moov that is read, in bytes.
const maxHead = 256 << 20

// readMovie reads the boxes of a file but for its media.
func readMovie(src io.ReaderAt, size int64) (*movie, error) {
	m := &movie{}
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
			boxes, err := isom.Parse(b)
			if err != nil {
				return nil, err
			}
			if m.Movie, err = isom.ReadMovie(boxes[0]); err != nil {
				return nil, err
			}
			m.moovLast = m.mediaAt > 0
		}
		at += length
	}
	if m.Movie == nil || m.mediaAt == 0 {
		return nil, fmt.Errorf("no moov or no mdat: %w", errForm)
	}
	for _, t := range m.Tracks {
		t.Tables().Remove("co64") // places are written as stco
		for i := range t.Chunks {
			t.Chunks[i] -= m.mediaAt
		}
	}
	return m, nil
}

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

// samplesOf gives all samples of a track.
func samplesOf(t *isom.Track) ([]isom.Sample, error) {
	var all []isom.Sample
	for s, err := range t.Samples() {
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// piece is a part of a file: bytes, or a section of the plain file.
type piece struct {
	bytes      []byte
	at, length int64
}
