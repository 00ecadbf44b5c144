package playlist

import (
	"slices"
	"time"

	"clipfs/clip/archive"
)

// DefaultSegment is about how long segments are.
const DefaultSegment = 6 * time.Second

// block is the grid of absolute time in which segments are cut: what is cut in one does not depend on any other.
const block = time.Minute

// Segment is a run of whole fragments.
type Segment struct {
	// Span has the starts of the segment's fragments and of no others. It is as long as the segment plays.
	Span archive.Span
	// PTS is the sum of the lengths of the segments before it.
	PTS time.Duration
	// Discontinuity says that a gap lies before it.
	Discontinuity bool
}

// Options say how segments are cut. The zero value works.
type Options struct {
	// Segment is how long a segment is at least, where its fragments go on for as long; 0 means DefaultSegment. It is at most half as
	// long again, unless one fragment is longer.
	Segment time.Duration
	// Border gives the first border after a time, which no segment lies across, the end of a day for example; nil means none.
	Border func(time.Time) time.Time
}

// Cut cuts fragments, in the order of their times, into segments. Fragments that start in one millisecond stay together.
func Cut(fragments []archive.Fragment, rule archive.GapRule, o Options) []Segment {
	if o.Segment <= 0 {
		o.Segment = DefaultSegment
	}
	all := make([]Segment, 0, len(fragments)/2) // no fewer than two fragments each, as a rule
	var pts time.Duration
	gap := false
	for from := 0; from < len(fragments); {
		to := o.end(fragments, rule, from)
		start, last := fragments[from].Time(rule.By), fragments[to-1]
		s := Segment{Span: archive.Span{Start: start, End: endOf(last, rule)}, PTS: pts, Discontinuity: gap}
		gap = to < len(fragments) && rule.Between(last, fragments[to])
		if to < len(fragments) {
			if next := fragments[to].Time(rule.By); !gap || s.Span.End.After(next) {
				s.Span.End = next
			}
		}
		pts += s.Span.Length()
		all = append(all, s)
		from = to
	}
	return all
}

// endOf gives when a fragment ends, in whole milliseconds, after its start.
func endOf(f archive.Fragment, rule archive.GapRule) time.Time {
	return f.Time(rule.By).Add(max(archive.Grain, rule.Lasts(f).Round(archive.Grain)))
}

// end gives the index behind the last fragment of the segment that begins with a fragment.
func (o Options) end(fragments []archive.Fragment, rule archive.GapRule, from int) int {
	start := fragments[from].Time(rule.By)
	border := start.Truncate(block).Add(block)
	if o.Border != nil {
		if b := o.Border(start); b.Before(border) {
			border = b
		}
	}
	for to := from + 1; to < len(fragments); to++ {
		last, next := fragments[to-1], fragments[to]
		at := next.Time(rule.By)
		switch {
		case at.Equal(last.Time(rule.By)): // no span has one without the other
		case rule.Between(last, next), !at.Before(border), at.Sub(start) >= o.Segment:
			return to
		case o.until(fragments, rule, to).Sub(start) > o.Segment*3/2:
			return to
		}
	}
	return len(fragments)
}

// until gives when a fragment ends in a playlist: where the next one starts, or where it ends itself before a gap.
func (o Options) until(fragments []archive.Fragment, rule archive.GapRule, i int) time.Time {
	if i+1 < len(fragments) && !rule.Between(fragments[i], fragments[i+1]) {
		return fragments[i+1].Time(rule.By)
	}
	return endOf(fragments[i], rule)
}

// Longest gives the length of the longest segment.
func Longest(segments []Segment) time.Duration {
	if len(segments) == 0 {
		return 0
	}
	return slices.MaxFunc(segments, func(a, b Segment) int { return int(a.Span.Length() - b.Span.Length()) }).Span.Length()
}
