package isom

import "fmt"

// Handlers: what the samples of a track are (8.4.3).
const (
	Video = "vide"
	Sound = "soun"
)

// Codings of G.711, as QuickTime names them.
const (
	ALaw  = "alaw"
	MuLaw = "ulaw"
)

// Movie is what a moov says.
type Movie struct {
	Moov *Box
	// Scale is how many ticks of the movie a second has.
	Scale uint32
	// Fragmented says that samples lie in movie fragments, which are not read.
	Fragmented bool
	Tracks     []*Track
}

// Track is one track of a movie.
type Track struct {
	Trak    *Box
	Handler string
	// Scale is how many ticks of the track a second has.
	Scale uint32
	// Chunks are the places of its chunks in the file.
	Chunks []int64
}

// ReadMovie reads the tracks of a moov.
func ReadMovie(moov *Box) (*Movie, error) {
	mvhd := moov.Find("mvhd")
	if mvhd == nil {
		return nil, fmt.Errorf("no mvhd: %w", ErrInvalid)
	}
	m := &Movie{Moov: moov, Scale: Word(mvhd.Body, mvhd.Field()), Fragmented: moov.Find("mvex") != nil}
	if m.Scale == 0 {
		return nil, fmt.Errorf("movie without a timescale: %w", ErrInvalid)
	}
	for _, k := range moov.Kids {
		if k.Kind != "trak" {
			continue
		}
		t, err := readTrack(k)
		if err != nil {
			return nil, err
		}
		m.Tracks = append(m.Tracks, t)
	}
	return m, nil
}

// readTrack reads a track.
func readTrack(trak *Box) (*Track, error) {
	mdhd, hdlr, stbl := trak.Find("mdia", "mdhd"), trak.Find("mdia", "hdlr"), trak.Find("mdia", "minf", "stbl")
	if mdhd == nil || hdlr == nil || stbl == nil || trak.Find("tkhd") == nil || len(hdlr.Body) < 12 {
		return nil, fmt.Errorf("track without its boxes: %w", ErrInvalid)
	}
	t := &Track{Trak: trak, Handler: string(hdlr.Body[8:12]), Scale: Word(mdhd.Body, mdhd.Field())}
	if t.Scale == 0 {
		return nil, fmt.Errorf("track without a timescale: %w", ErrInvalid)
	}
	if co64 := stbl.Find("co64"); co64 != nil {
		for i := 8; i+8 <= len(co64.Body); i += 8 {
			t.Chunks = append(t.Chunks, int64(Long(co64.Body, i)))
		}
	} else if stco := stbl.Find("stco"); stco != nil {
		for i := 8; i+4 <= len(stco.Body); i += 4 {
			t.Chunks = append(t.Chunks, int64(Word(stco.Body, i)))
		}
	}
	return t, nil
}

// First gives the first track of a handler; nil if there is none.
func (m *Movie) First(handler string) *Track {
	for _, t := range m.Tracks {
		if t.Handler == handler {
			return t
		}
	}
	return nil
}

// ID is the number of a track.
func (t *Track) ID() uint32 {
	tkhd := t.Trak.Find("tkhd")
	return Word(tkhd.Body, tkhd.Field())
}

// Tables gives the box of the sample tables, stbl.
func (t *Track) Tables() *Box { return t.Trak.Find("mdia", "minf", "stbl") }

// Edit is an entry of an edit list (8.6.6).
type Edit struct {
	// Duration is in ticks of the movie.
	Duration uint64
	// MediaTime is where the edit starts in the media, in ticks of the track; -1 makes it an empty one.
	MediaTime int64
}

// Edits gives the edit list; nil where there is none. Rates are not looked at.
func (t *Track) Edits() []Edit {
	elst := t.Trak.Find("edts", "elst")
	if elst == nil {
		return nil
	}
	var all []Edit
	if elst.Wide() {
		for i := 8; i+20 <= len(elst.Body); i += 20 {
			all = append(all, Edit{Long(elst.Body, i), int64(Long(elst.Body, i+8))})
		}
		return all
	}
	for i := 8; i+12 <= len(elst.Body); i += 12 {
		all = append(all, Edit{uint64(Word(elst.Body, i)), int64(int32(Word(elst.Body, i+4)))})
	}
	return all
}
