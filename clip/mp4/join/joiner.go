package join

import (
	"context"
	"fmt"
	"time"

	"clipfs/clip/mp4"
)

// outputTrack is a track of the joined file.
type outputTrack struct {
	// kind is an index of inputPart.track.
	kind           int
	handler        mp4.FourCC
	name, language string
	width, height  uint32
	timescale      uint32
	// entries are sample entries, keys their numbers; sets are the parameter sets of each, as they go in-band.
	coding    mp4.FourCC
	entries   [][]byte
	keys      map[string]int
	sets      [][]byte
	nalLength int
	// lastEntry is that of the last sample seen, changed says that it was not always the same.
	lastEntry int
	changed   bool
	// rate is the sampling rate in Hz, 0 for video.
	rate uint32

	samples, chunks uint64
	// expanded counts samples that had to be looked at one by one.
	expanded uint64
	// ticks is how long all samples last, end when the last one shown ends, from the beginning of the file; edit is nil
	// where there is none.
	ticks, end uint64
	edit       *mp4.Edit
	counts
}

// joiner makes a File, step by step.
type joiner struct {
	o     Options
	parts []inputPart
	// tracks are video and sound.
	tracks [2]*outputTrack
	times  []TimePoint
	media  int64
	// lastPictures are the sizes of the last pictures of the part read last, the last at the end, lastSound is that of its
	// last frame of sound; 0 where there is none.
	lastPictures [maxTwice]uint32
	lastSound    uint32
	// lastListed are the fragments of the part read last, and lastStart is its Start.
	lastListed []Fragment
	lastStart  time.Duration
}

// newJoiner gives one that has seen no part.
func newJoiner(parts []Part, o Options) *joiner {
	b := &joiner{o: o, parts: make([]inputPart, len(parts))}
	for i, p := range parts {
		b.parts[i].Part = p
	}
	for k, handler := range []mp4.FourCC{mp4.HandlerVideo, mp4.HandlerSound} {
		b.tracks[k] = &outputTrack{kind: k, handler: handler, keys: map[string]int{}}
	}
	return b
}

// each opens the heads one after the other; sound is grouped, and what is left out is.
func (b *joiner) each(ctx context.Context, visit func(p *inputPart, tracks [2]*mp4.Track, m *mp4.Movie) error) error {
	for i := range b.parts {
		err := b.parts[i].open(ctx, func(p *inputPart, tracks [2]*mp4.Track, m *mp4.Movie) error {
			for k := range tracks {
				own, err := p.view(k, tracks[k])
				if err != nil {
					return fmt.Errorf("track %s: %w", tracks[k].Handler, err)
				}
				tracks[k] = own
			}
			return visit(p, tracks, m)
		})
		if err != nil {
			return &PartError{Part: i, Err: err}
		}
	}
	return nil
}

// open gives the part's tracks to visit, as they are in its head.
func (p *inputPart) open(ctx context.Context, visit func(p *inputPart, tracks [2]*mp4.Track, m *mp4.Movie) error) error {
	m, err := p.Head(ctx)
	if err != nil {
		return err
	}
	tracks, _, err := firstTracks(m)
	if err != nil {
		return err
	}
	return visit(p, tracks, m)
}

// view gives a track as it is joined. A part begins with a fragment, and that with a picture at which decoding can begin,
// even if stss lists only those at which nothing refers to earlier pictures, and so perhaps none in a whole day.
func (p *inputPart) view(kind int, t *mp4.Track) (*mp4.Track, error) {
	if kind == 0 && t != nil {
		own := *t
		own.Syncs = t.Syncs.WithFirst()
		t = &own
	}
	if kind == 1 && t != nil {
		var err error
		if t, err = t.Grouped(); err != nil {
			return nil, err
		}
	}
	if share := &p.track[kind]; t != nil && (share.skip > 0 || share.drop > 0) {
		if uint64(share.skip)+uint64(share.drop) >= uint64(t.Sizes.Len()) {
			return nil, fmt.Errorf("a head is another than before: %w", ErrPlan)
		}
		return t.Cut(share.skip, share.drop)
	}
	return t, nil
}

// counts is what has to be known of a track's tables before the first of them is written.
type counts struct {
	// stts, ctts, stss and stsc are numbers of entries.
	stts, ctts, stss, stsc uint64
	// reordered says that a composition offset is not 0, signed that one is below.
	reordered, signed bool
	// listed says that sync samples are listed, because not all samples are.
	listed bool
	// constant is the size of every sample, 0 where they have to be listed; sized that a part was seen.
	constant uint32
	sized    bool
}

// firstTracks gives the first video and the first sound track of a movie that have samples, and how many more tracks of
// these kinds there are. The sound track is nil where there is none. A movie may say that it goes on in fragments
// (mvex), as some muxers always do: what its tables list is all that is taken.
func firstTracks(m *mp4.Movie) (out [2]*mp4.Track, more int, err error) {
	for _, t := range m.Tracks {
		k := 0
		switch t.Handler {
		case mp4.HandlerVideo:
		case mp4.HandlerSound:
			k = 1
		default:
			continue
		}
		switch {
		case t.Sizes.Len() == 0:
		case out[k] != nil:
			more++
		default:
			out[k] = t
		}
	}
	switch {
	case out[0] == nil && m.Fragmented:
		return out, more, fmt.Errorf("movie in fragments: %w", ErrIncompatible)
	case out[0] == nil:
		return out, more, fmt.Errorf("no video: %w", ErrIncompatible)
	}
	return out, more, nil
}
