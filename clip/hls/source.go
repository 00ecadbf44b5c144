package hls

import (
	"context"
	"slices"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/plan"
)

// source is a clip that has the media of segments.
type source struct {
	clip *clip.Clip
	// times are when its fragments start; none where they may not be listed. starts has those and no others of the stream; end is when the
	// last one ends.
	times  []time.Time
	starts archive.Span
	end    time.Time

	// history.mu guards the rest. open counts the segments that read it, used is when the last one ceased to. ahead says that all of it is
	// being fetched; refused that segments cannot be made of it; spoiled that what was on disk of it was dropped.
	open    int
	used    time.Time
	ahead   bool
	refused bool
	spoiled bool
}

// sourceOf gives a clip as a source that has some fragments.
func sourceOf(c *clip.Clip, fragments []archive.Fragment, rule archive.GapRule) *source {
	s := &source{clip: c, starts: plan.SpanOf(fragments, rule.By), end: rule.End(fragments[len(fragments)-1])}
	for _, f := range fragments {
		s.times = append(s.times, f.Time(rule.By))
	}
	return s
}

// servedOf gives those of some fragments that do not lie over older ones.
func servedOf(fragments, over []archive.Fragment) []archive.Fragment {
	if len(over) == 0 {
		return fragments
	}
	lie := make(map[archive.FragmentID]bool, len(over))
	for _, f := range over {
		lie[f.ID] = true
	}
	return slices.DeleteFunc(slices.Clone(fragments), func(f archive.Fragment) bool { return lie[f.ID] })
}

// has reports whether it has all fragments of a segment, the first and the last of which start then.
func (s *source) has(first, last time.Time) bool {
	return s.starts.Contains(first) && s.starts.Contains(last)
}

// whole reports whether all of it is on disk.
func (s *source) whole(ctx context.Context) bool {
	missing, err := s.clip.Missing(ctx)
	return err == nil && missing == 0
}
