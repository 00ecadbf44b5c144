package segment

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/mp4"
	"clipfs/clip/ts"
)

// How far off the times of pictures are from those of the listing, at most, for what it says.
const (
	// nearby is what rounding to milliseconds makes of one instant.
	nearby = 2 * time.Millisecond
	// mostLead is how long sound may come before the first picture of its fragment.
	mostLead = time.Second
)

// Frames says which frames of a movie belong to a segment.
type Frames struct {
	// First and End bound its pictures, in the order of decoding.
	First, End int
	// From and To bound the positions at which its frames of sound start.
	From, To time.Duration
	// Begin is the position at which the segment begins. Its first picture may be shown later, where sound leads.
	Begin time.Duration
}

// All has all frames of a movie. It begins with the first picture.
func All(movie *mp4.Movie) (Frames, error) {
	shown, err := picturesOf(movie)
	if err != nil {
		return Frames{}, err
	}
	return Frames{End: len(shown), From: math.MinInt64, To: math.MaxInt64, Begin: shown[0].at}, nil
}

// Find finds the frames of the fragments that start in a span. Starts are those of all fragments of the movie, ascending, and points say
// which time of day its positions are. So the segments that tile a movie have each of its frames once: a picture belongs to
// that fragment's segment behind whose first picture it is decoded, and a frame of sound to that in which it starts.
func Find(movie *mp4.Movie, points []archive.Point, starts []time.Time, span archive.Span) (Frames, error) {
	shown, err := picturesOf(movie)
	if err != nil {
		return Frames{}, err
	}
	f := finder{pictures: shown, points: points, starts: starts}
	if len(points) == 0 || len(starts) == 0 {
		return Frames{}, fmt.Errorf("a movie of no fragments: %w", ts.ErrUnsupported)
	}
	f.pairSyncs()
	first := sort.Search(len(starts), func(i int) bool { return !starts[i].Before(span.Start) })
	end := sort.Search(len(starts), func(i int) bool { return !starts[i].Before(span.End) })
	if first >= end {
		return Frames{}, fmt.Errorf("no fragment of the movie starts in %s: %w", span, ts.ErrUnsupported)
	}
	frames := Frames{First: f.border(first), End: f.border(end), From: math.MinInt64, To: math.MaxInt64}
	if frames.First >= frames.End {
		return Frames{}, fmt.Errorf("no picture of the movie is in %s: %w", span, ts.ErrUnsupported)
	}
	frames.Begin = f.begin(first, frames.First)
	if first > 0 {
		frames.From = frames.Begin - archive.Grain
	}
	if end < len(starts) {
		frames.To = f.begin(end, frames.End) - archive.Grain
	}
	return frames, nil
}

// picture is when a picture is shown in the file, and whether decoding can begin at it.
type picture struct {
	at   time.Duration
	sync bool
}

// picturesOf reads the pictures of a movie, in the order of decoding, of which there is at least one.
func picturesOf(movie *mp4.Movie) ([]picture, error) {
	video := movie.Video()
	if video == nil {
		return nil, fmt.Errorf("no pictures: %w", ts.ErrUnsupported)
	}
	c := clockOf(video, movie.Timescale)
	var all []picture
	for s, err := range video.Samples() {
		if err != nil {
			return nil, err
		}
		all = append(all, picture{c.shift + c.length(s.PTS()), s.Sync})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no pictures: %w", ts.ErrUnsupported)
	}
	return all, nil
}

// finder finds the pictures with which fragments begin.
type finder struct {
	pictures []picture
	points   []archive.Point
	starts   []time.Time
	// syncs are the indexes of the pictures at which decoding can begin, where there is one for each fragment.
	syncs []int
}

// pairSyncs finds out whether each fragment begins with the only picture of it at which decoding can begin, as most do.
func (f *finder) pairSyncs() {
	var syncs []int
	for i, p := range f.pictures {
		if p.sync {
			syncs = append(syncs, i)
		}
	}
	if len(syncs) != len(f.starts) {
		return
	}
	for k, i := range syncs {
		if off := f.time(f.pictures[i].at).Sub(f.starts[k]); off < -nearby || off > mostLead {
			return
		}
	}
	f.syncs = syncs
}

// time gives the time of day of a position.
func (f *finder) time(position time.Duration) time.Time {
	i := sort.Search(len(f.points), func(i int) bool { return f.points[i].Position > position+time.Microsecond })
	p := f.points[max(0, i-1)]
	return p.At.Add(position - p.Position)
}

// border gives the index of the picture with which fragment k begins; behind the last fragment that behind the last picture.
func (f *finder) border(k int) int {
	switch {
	case k == 0:
		return 0
	case k == len(f.starts):
		return len(f.pictures)
	case f.syncs != nil:
		return f.syncs[k]
	}
	// Where sound leads, the picture is behind the fragment's time; by as much as at the beginning, as a rule.
	lead := max(0, min(f.time(f.pictures[0].at).Sub(f.starts[0]), mostLead))
	target := f.starts[k].Add(lead)
	within := min(mostLead, f.starts[k].Sub(f.starts[k-1])/2)
	best, off := -1, within+1
	for i, p := range f.pictures {
		if d := f.time(p.at).Sub(target).Abs(); p.sync && d < off {
			best, off = i, d
		}
	}
	if best >= 0 {
		return best
	}
	i := slices.IndexFunc(f.pictures, func(p picture) bool { return !f.time(p.at).Before(target.Add(-nearby)) })
	if i < 0 {
		return len(f.pictures)
	}
	return i
}

// begin gives the position at which fragment k begins, whose first picture has an index: the picture's own, or earlier, where sound leads.
func (f *finder) begin(k, first int) time.Duration {
	if first == len(f.pictures) {
		return math.MaxInt64
	}
	at := f.pictures[first].at
	if lead := f.time(at).Sub(f.starts[k]); lead > nearby && lead <= mostLead {
		return at - lead
	}
	return at
}
