package clip

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

// Footage that was ingested twice is listed twice, and comes once: "only the oldest ingested collection is returned" (API
// reference, ClipFragmentSelector; kvs.md). So a clip is planned without what lies over older footage, and says that it is not
// served. Whether the service goes by that is told by the payload: where it has more than the older footage, all of it is
// served, one after the other.

const (
	// overlapSlack is how far neighbours may overlap and still be one after the other: a fragment's time can be that of sound
	// that leads its picture. Of a short fragment it is half.
	overlapSlack = 250 * time.Millisecond
	// otherDelay is how much later than its neighbours a fragment has to be ingested, by its own time, to be of another
	// collection: producers overlap two connections for some seconds when one takes the place of the other.
	otherDelay = 20 * time.Second
)

// superseded is what not to serve of listed footage, in words for people.
const superseded = "ingested over older footage, which alone is served, fragments of"

// supersede parts fragments, in the order of their times, into those that are served and those that lie over older footage.
func (r gapRule) supersede(fragments []Fragment) (kept, over []Fragment) {
	inOrder := func(a, b Fragment) int { return cmp.Compare(a.ID, b.ID) }
	if slices.IsSortedFunc(fragments, inOrder) && !r.late(fragments) {
		return fragments, nil // nothing was ingested over anything
	}
	byAge := make([]int, len(fragments))
	for i := range byAge {
		byAge[i] = i
	}
	slices.SortFunc(byAge, func(a, b int) int { return inOrder(fragments[a], fragments[b]) })
	is := make([]bool, len(fragments)) // kept, of those that are older
	for _, i := range byAge {
		is[i] = !r.liesOver(fragments, is, i)
	}
	for i, f := range fragments {
		if is[i] {
			kept = append(kept, f)
		} else {
			over = append(over, f)
		}
	}
	return kept, over
}

// late reports whether any fragment was ingested much later than the one before it was.
func (r gapRule) late(fragments []Fragment) bool {
	for i := 1; i < len(fragments); i++ {
		if delay(fragments[i])-delay(fragments[i-1]) > otherDelay {
			return true
		}
	}
	return false
}

// delay is how long after its own time a fragment was ingested.
func delay(f Fragment) time.Duration { return f.Server.Sub(f.Producer) }

// liesOver reports whether fragment i overlaps an older one that is kept, of another collection: one that does not begin before
// it, or whose neighbours do not, or that was ingested much earlier.
func (r gapRule) liesOver(fragments []Fragment, kept []bool, i int) bool {
	f := fragments[i]
	other := false
	for k := i + 1; k < len(fragments) && fragments[k].Time(r.by).Sub(f.Time(r.by)) <= maxFragmentLength; k++ {
		if other = other || kept[k]; kept[k] && r.over(f, fragments[k]) {
			return true
		}
	}
	for k := i - 1; k >= 0 && f.Time(r.by).Sub(fragments[k].Time(r.by)) <= maxFragmentLength; k-- {
		if g := fragments[k]; kept[k] && r.over(g, f) && (other || delay(f)-delay(g) > otherDelay || g.Time(r.by).Equal(f.Time(r.by))) {
			return true
		}
	}
	return false
}

// over reports whether a fragment and one that does not begin before it overlap.
func (r gapRule) over(f, next Fragment) bool {
	apart := next.Time(r.by).Sub(f.Time(r.by))
	return apart == 0 || apart < f.Length-min(overlapSlack, f.Length/2)
}

// within gives the fragments of some, in the order of their times, that a call for a part asks for too.
func (p part) within(fragments []Fragment, by Selector) []Fragment {
	span := p.span(by)
	var out []Fragment
	for _, f := range fragments {
		if span.Contains(f.Time(by)) {
			out = append(out, f)
		}
	}
	return out
}

// all gives all fragments that a call for the part asks for, in the order of their times.
func (p part) all(by Selector) []Fragment {
	if len(p.over) == 0 {
		return p.fragments
	}
	all := slices.Concat(p.fragments, p.over)
	slices.SortStableFunc(all, func(a, b Fragment) int {
		return cmp.Or(a.Time(by).Compare(b.Time(by)), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// crowded reports whether the pictures of a part's payload are more than those of its fragments, because the service gives
// what lies over them too.
func (p part) crowded(s *shown, by Selector) bool {
	n, more := len(p.fragments), len(p.over)
	if more == 0 || s.syncs == n {
		return false
	}
	if s.syncs == n+more {
		return true
	}
	var own, others time.Duration
	for _, f := range p.fragments {
		own += f.Length + s.usual
	}
	for _, f := range p.over {
		others += f.Length + s.usual
	}
	return time.Duration(len(s.at))*s.usual > own+others/2
}

// apartFrom gives the parts of all that a call for the part asks for, one for each run without overlaps; where much of it
// overlaps that is one part.
func (p part) apartFrom(rule gapRule) []part {
	all := p.all(rule.by)
	parts, _ := planner{rule: rule}.of(all).cut(all, 0)
	for i := range parts {
		parts[i].opening = p.opening
	}
	if len(parts) > 0 {
		parts[0].gapBefore = p.gapBefore
	}
	return parts
}

// isCrowded tells whether a payload that has come brings more than a part's fragments.
func (c *Clip) isCrowded(p part, h head) bool {
	if len(p.over) == 0 {
		return false
	}
	s, err := shownIn(h)
	return err == nil && p.crowded(s, c.library.options.Selector)
}

// errCrowded says that a payload brings more than a part's fragments.
var errCrowded = errors.New("more than the older footage")
