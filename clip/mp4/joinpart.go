package mp4

import (
	"fmt"
	"iter"
	"math"
	"sort"
	"time"
)

// Bounds that no footage comes near, so that sums of what parts claim stay in range.
const (
	// maxJoinTime is the longest that a part may last or be away from the clip's beginning.
	maxJoinTime = 1000 * time.Hour
	// maxJoinMedia is the most bytes in a joined file.
	maxJoinMedia = 1 << 60
	// maxExpanded is how many samples of a track are looked at one by one, where runs do not do.
	maxExpanded = 1 << 24
)

// joinPart is what a joiner knows of a part.
type joinPart struct {
	Part
	// mediaStart and mediaEnd bound the chunks in the payload.
	mediaStart, mediaEnd int64
	// inserts are in ascending order of both position and sample.
	inserts []insert
	// grown is how many bytes are inserted.
	grown int64
	// track is the part's share of the video and of the sound track.
	track [2]trackPart
	// lead is when the first sound sample is shown, less when the first video sample is.
	lead time.Duration
}

// insert is a place at which parameter sets go in.
type insert struct {
	// at is a position in the payload; before is how many bytes are inserted ahead of it.
	at, before int64
	// sample counts from 0 in the part's video; entry is an index of the joined track's.
	sample uint32
	entry  uint32
}

// trackPart is one part's share of a joined track. Times are in ticks of the joined track.
type trackPart struct {
	samples uint32
	chunks  int
	// timescale in the payload; offset is the first sample's composition offset in it.
	timescale uint32
	offset    int32
	// entries gives for each sample entry of the part that of the joined track.
	entries []int
	// nominal is how long every sample should last; 0 where durations are taken as they are.
	nominal uint32
	// length is from the first sample to the last one; last is how long that one lasts.
	length, last int64
	// ends are the last runs of durations above 0; frame is how long a frame of sound lasts, 0 for G.711.
	ends  [6]DurationRun
	frame int64
	// first is when the first sample is shown, from the first video sample of the file on.
	first int64
	// tail changes the durations of the last samples.
	tail tail
	// head is added to the first sample's duration and offset.
	head uint32
	// shift is added to every composition offset.
	shift int64
}

// size is what the part takes in the joined file.
func (p *joinPart) size() int64 { return p.mediaEnd - p.mediaStart + p.grown }

// position gives how far from the part's beginning in the joined file a position in its payload lies. What is inserted
// at that very place belongs to a video chunk that begins there.
func (p *joinPart) position(at int64, video bool) int64 {
	k := sort.Search(len(p.inserts), func(i int) bool {
		return p.inserts[i].at > at || video && p.inserts[i].at == at
	})
	moved := p.grown
	if k < len(p.inserts) {
		moved = p.inserts[k].before
	}
	return at - p.mediaStart + moved
}

// segments yields the part's ranges from offset at of the joined file on.
func (p *joinPart) segments(index int, at int64, video *joinTrack) iter.Seq[Segment] {
	return func(yield func(Segment) bool) {
		from := p.mediaStart
		media := func(to int64) bool {
			s := Segment{Offset: at, Length: to - from, Part: index, PayloadOffset: from}
			from, at = to, at+s.Length
			return s.Length == 0 || yield(s)
		}
		for _, in := range p.inserts {
			set := video.sets[in.entry]
			if !media(in.at) || !yield(Segment{Offset: at, Length: int64(len(set)), Part: -1, Bytes: set}) {
				return
			}
			at += int64(len(set))
		}
		media(p.mediaEnd)
	}
}

// soleTracks gives the video and the sound track of a movie; that of sound is nil where it has no samples.
func soleTracks(m *Movie) ([2]*Track, error) {
	var out [2]*Track
	for _, t := range m.Tracks {
		k := 0
		switch t.Handler {
		case HandlerVideo:
		case HandlerSound:
			k = 1
		default:
			continue
		}
		if out[k] != nil {
			return out, fmt.Errorf("two tracks %s: %w", t.Handler, ErrIncompatible)
		}
		out[k] = t
	}
	switch {
	case m.Fragmented:
		return out, fmt.Errorf("movie in fragments: %w", ErrIncompatible)
	case out[0] == nil || out[0].Sizes.Len() == 0:
		return out, fmt.Errorf("no video: %w", ErrIncompatible)
	case out[1] != nil && out[1].Sizes.Len() == 0:
		out[1] = nil
	}
	return out, nil
}

// firstShown gives when a track's first sample in decoding order is shown by the payload's own clock, edits applied
// (ISO/IEC 14496-12 8.6.6). Empty edits and one that plays the media are understood. What an edit would cut off is
// kept, at the time it would have.
func firstShown(t *Track, movieScale uint32) (time.Duration, error) {
	var empty uint64
	mediaTime := int64(0)
	played := false
	for _, e := range t.Edits {
		switch {
		case e.MediaTime >= 0 && !played && e.Rate == EditRate:
			mediaTime, played = e.MediaTime, true
		case e.MediaTime == -1 && !played && e.Duration < math.MaxUint32<<8:
			empty += e.Duration
		default:
			return 0, fmt.Errorf("box %s: %d edits that cannot be flattened: %w", TypeElst, len(t.Edits), ErrIncompatible)
		}
	}
	offset := int64(0)
	if t.Offsets.Samples() > 0 {
		offset = int64(firstOffset(t.Offsets))
	}
	if mediaTime > math.MaxInt64/2 || empty > math.MaxInt64/2 {
		return 0, fmt.Errorf("box %s: time out of range: %w", TypeElst, ErrMalformed)
	}
	shown, ok := convert(offset-mediaTime, uint64(t.Timescale), uint64(time.Second))
	delay, okDelay := convert(int64(empty), uint64(movieScale), uint64(time.Second))
	if !ok || !okDelay || !inJoinTime(shown) || !inJoinTime(delay) {
		return 0, fmt.Errorf("first sample: time out of range: %w", ErrMalformed)
	}
	return time.Duration(shown + delay), nil
}

// inJoinTime reports whether a time in nanoseconds is within maxJoinTime.
func inJoinTime(ns int64) bool {
	return ns <= int64(maxJoinTime) && ns >= -int64(maxJoinTime)
}

// firstOffset gives the composition offset of the first sample.
func firstOffset(t Offsets) int32 {
	for r := range t.Runs() {
		if r.Count > 0 {
			return r.Offset
		}
	}
	return 0
}
