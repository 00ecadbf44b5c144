package mp4

import (
	"fmt"
	"time"
)

// Movie is what a moov says. Its tables are parts of the bytes it was parsed from, which must not change under it.
type Movie struct {
	// Created and Modified are UTC, to the second; the zero time where the file does not say.
	Created, Modified time.Time
	// Timescale of Duration and of the durations of edits, in ticks a second.
	Timescale uint32
	Duration  uint64
	// Fragmented says that samples lie in movie fragments too (mvex is there), which this package does not read.
	Fragmented bool
	Tracks     []*Track
}

// Track is one track of a movie (ISO/IEC 14496-12 8.3.1). Tables that the file lacks are empty ones.
type Track struct {
	ID uint32
	// Flags of tkhd: TrackEnabled and so on.
	Flags             uint32
	Created, Modified time.Time
	// Duration in the movie's timescale.
	Duration uint64
	// Width and Height as shown, in whole pixels.
	Width, Height uint32

	// Timescale of the samples, in ticks a second; MediaDuration is in it.
	Timescale     uint32
	MediaDuration uint64
	// Language in three letters of ISO 639-2/T.
	Language string
	// Handler says what the samples are, HandlerName is for people.
	Handler     FourCC
	HandlerName string
	// Edits is the edit list; nil where there is none.
	Edits []Edit

	Entries      []SampleEntry
	Durations    Durations
	Offsets      Offsets
	Syncs        Syncs
	Sizes        Sizes
	ChunkRuns    ChunkRuns
	ChunkOffsets ChunkOffsets
}

// ParseMovie reads a moov, given whole with its header. It takes memory for tracks, sample entries and edits only,
// and time in proportion to the number of boxes. ErrMalformed where a box that it reads is broken or a needed one is
// missing. Whether a track's tables agree is not looked at here but by Track.Check.
func ParseMovie(moov []byte) (*Movie, error) {
	top, err := wholeBox(moov, TypeMoov)
	if err != nil {
		return nil, err
	}
	m := &Movie{}
	headers := 0
	for c, err := range Children(top.Body) {
		if err != nil {
			return nil, fmt.Errorf("box %s: %w", TypeMoov, err)
		}
		switch c.Type {
		case TypeMvhd:
			if err := m.parseMvhd(c.Body); err != nil {
				return nil, err
			}
			headers++
		case TypeMvex:
			m.Fragmented = true
		case TypeTrak:
			t, err := parseTrack(c.Body)
			if err != nil {
				return nil, fmt.Errorf("track %d: %w", len(m.Tracks)+1, err)
			}
			m.Tracks = append(m.Tracks, t)
		}
	}
	if headers != 1 || m.Timescale == 0 {
		return nil, fmt.Errorf("%d boxes %s, timescale %d: %w", headers, TypeMvhd, m.Timescale, ErrMalformed)
	}
	return m, nil
}

// wholeBox gives b as a box of that type which fills it.
func wholeBox(b []byte, kind FourCC) (Child, error) {
	c, err := firstChild(b)
	if err != nil {
		return Child{}, err
	}
	if c.Type != kind || len(c.Raw) != len(b) {
		return Child{}, fmt.Errorf("box %s of %d bytes where %s of %d is due: %w", c.Type, len(c.Raw), kind, len(b),
			ErrMalformed)
	}
	return c, nil
}

// Video gives the first video track, or nil.
func (m *Movie) Video() *Track { return m.first(HandlerVideo) }

// Sound gives the first sound track, or nil.
func (m *Movie) Sound() *Track { return m.first(HandlerSound) }

// first gives the first track of a handler, or nil.
func (m *Movie) first(handler FourCC) *Track {
	for _, t := range m.Tracks {
		if t.Handler == handler {
			return t
		}
	}
	return nil
}

// MediaEnd gives the end of the last chunk of any track: no media lies behind it, in bytes from the start of the file.
// ErrMalformed where tables do not agree.
func (m *Movie) MediaEnd() (int64, error) {
	var end int64
	for i, t := range m.Tracks {
		for c, err := range t.Chunks() {
			if err != nil {
				return 0, fmt.Errorf("track %d: %w", i+1, err)
			}
			end = max(end, c.Position+c.Size)
		}
	}
	return end, nil
}
