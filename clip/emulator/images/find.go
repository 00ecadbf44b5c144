package images

import (
	"slices"
	"sort"
	"time"

	"clipfs/clip/emulator/footage"
)

const (
	// Reach is how far before an instant a fragment can start that runs at it (API reference, PutMedia: 20 s).
	Reach = 20 * time.Second
	// stands is for how long a last frame stands until the next fragment.
	stands = time.Second
)

// Shot is the frame that was shown at an instant. Its zero value is none.
type Shot struct {
	fragment *footage.Fragment
	video    []footage.Sample
	// frame is its place in the order of decoding.
	frame int
	// err says why the fragment that ran has no frames.
	err error
}

// None reports whether nothing was recorded at the instant.
func (s Shot) None() bool { return s.fragment == nil && s.err == nil }

// running is a fragment with its frames.
type running struct {
	fragment footage.Fragment
	video    []footage.Sample
	// begin is when the key frame is shown, end when the last frame has been.
	begin, end time.Time
	err        error
}

// finder looks for frames in fragments, and loads each once.
type finder struct {
	fragments []footage.Fragment
	by        footage.Selector
	loaded    map[int]*running
}

// Find gives the frame of each instant, in fragments that stand in the order of their times by a clock. Those that can run at an
// instant have to be among them, and the one that follows.
func Find(fragments []footage.Fragment, by footage.Selector, instants []time.Time) []Shot {
	f := &finder{fragments: fragments, by: by, loaded: make(map[int]*running)}
	shots := make([]Shot, len(instants))
	for i, at := range instants {
		shots[i] = f.at(at)
	}
	return shots
}

// at gives the frame of an instant.
func (f *finder) at(at time.Time) Shot {
	next := sort.Search(len(f.fragments), func(i int) bool { return f.fragments[i].Time(f.by).After(at) })
	for i := next - 1; i >= 0 && at.Sub(f.fragments[i].Time(f.by)) <= Reach; i-- {
		r := f.load(i)
		until := r.end
		if i == next-1 && next < len(f.fragments) {
			if follows := f.fragments[next].Time(f.by); follows.After(until) && follows.Sub(until) <= stands {
				until = follows
			}
		}
		switch {
		case !at.Before(until) || at.Before(r.begin):
		case r.err != nil:
			return Shot{err: r.err}
		default:
			return Shot{fragment: &r.fragment, video: r.video, frame: newest(r.video, at.Sub(r.fragment.Time(f.by)))}
		}
	}
	return Shot{}
}

// newest gives the last frame to be shown by an offset from the start of its fragment, which is not before the key frame.
func newest(video []footage.Sample, offset time.Duration) (frame int) {
	for i, s := range video {
		if s.PTS <= offset && s.PTS > video[frame].PTS {
			frame = i
		}
	}
	return frame
}

// load gives a fragment with its frames.
func (f *finder) load(i int) *running {
	if r := f.loaded[i]; r != nil {
		return r
	}
	given := f.fragments[i]
	start := given.Time(f.by)
	r := &running{begin: start, end: start.Add(given.Length + time.Millisecond)}
	f.loaded[i] = r
	if r.fragment, r.err = given.Load(); r.err != nil {
		return r
	}
	r.video = r.fragment.Video()
	last := slices.MaxFunc(r.video, func(a, b footage.Sample) int { return int(a.PTS - b.PTS) })
	// How long the last frame is shown is not known of every fragment: it is shown at least when it begins.
	r.begin, r.end = start.Add(r.video[0].PTS), start.Add(last.PTS+max(last.Duration, time.Millisecond))
	return r
}
