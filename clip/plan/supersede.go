package plan

import (
	"cmp"
	"slices"
	"time"

	"clipfs/clip/archive"
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

// supersede parts fragments, in the order of their times, into those that are served and those that lie over older footage.
func supersede(r archive.GapRule, fragments []archive.Fragment) (kept, over []archive.Fragment) {
	overlaps := false
	for i := 1; i < len(fragments) && !overlaps; i++ {
		overlaps = liesUpon(r, &fragments[i-1], &fragments[i])
	}
	if !overlaps {
		return fragments, nil
	}
	byAge := make([]int, len(fragments))
	for i := range byAge {
		byAge[i] = i
	}
	slices.SortFunc(byAge, func(a, b int) int { return cmp.Compare(fragments[a].ID, fragments[b].ID) })
	j := judgement{rule: r, fragments: fragments, of: make([]verdict, len(fragments))}
	for _, i := range byAge {
		j.of[i] = served
		if j.liesOver(i) {
			j.of[i] = lies
		}
	}
	for i, f := range fragments {
		if j.of[i] == served {
			kept = append(kept, f)
		} else {
			over = append(over, f)
		}
	}
	return kept, over
}

// verdict is what is known of a fragment.
type verdict int

const (
	newer  verdict = iota // not looked at: it is newer than those that are
	served                // it is part of the clip
	lies                  // it lies over older footage
)

// judgement is what is known of fragments, in the order of their times; they are looked at by age.
type judgement struct {
	rule      archive.GapRule
	fragments []archive.Fragment
	of        []verdict
}

// delay is how long after its own time a fragment was ingested.
func delay(f archive.Fragment) time.Duration { return f.Server.Sub(f.Producer) }

// liesOver reports whether fragment i overlaps an older one that is served: one that does not begin before it; or one that does,
// if the footage goes on without fragment i, or it is of another collection. So fragments whose lengths are said to be longer
// than they are lie over nothing.
func (j *judgement) liesOver(i int) bool {
	f, by := j.fragments[i], j.rule.By
	other := false
	for k := i + 1; k < len(j.fragments) && j.fragments[k].Time(by).Sub(f.Time(by)) <= archive.MaxFragmentLength; k++ {
		other = other || j.of[k] == served
		if j.of[k] == served && liesUpon(j.rule, &f, &j.fragments[k]) {
			return true
		}
	}
	first := i
	for first > 0 && f.Time(by).Sub(j.fragments[first-1].Time(by)) <= 2*archive.MaxFragmentLength {
		first--
		g := j.fragments[first]
		goesOnFrom := f.Time(by).Sub(g.Time(by).Add(g.Length)).Abs() <= overlapSlack
		other = other || j.of[first] == lies && goesOnFrom
	}
	for k, g := range j.fragments[first:i] {
		if k += first; j.of[k] == served && liesUpon(j.rule, &g, &f) &&
			(other || delay(f)-delay(g) > otherDelay || g.Time(by).Equal(f.Time(by)) || j.goesOn(k, i)) {
			return true
		}
	}
	return false
}

// goesOn reports whether footage goes on after fragment k without fragment i: another begins where it ends.
func (j *judgement) goesOn(k, i int) bool {
	g, by := j.fragments[k], j.rule.By
	for n := k + 1; n < len(j.fragments) && j.fragments[n].Time(by).Sub(g.Time(by)) <= 2*archive.MaxFragmentLength; n++ {
		if h := j.fragments[n]; n != i && !liesUpon(j.rule, &g, &h) {
			return !j.rule.Between(g, h)
		}
	}
	return false
}

// liesUpon reports whether a fragment and one that does not begin before it overlap.
func liesUpon(r archive.GapRule, f, next *archive.Fragment) bool {
	apart := next.Time(r.By).Sub(f.Time(r.By))
	return apart == 0 || apart < f.Length-min(overlapSlack, f.Length/2)
}

// overIn gives those fragments over older ones, of some in the order of their times, that a call for part i asks for too: what
// lies among the part's fragments, and what lies over its last one before the next part begins. So that no payload that has
// them goes unseen.
func overIn(r archive.GapRule, parts []Part, i int, over []archive.Fragment) []archive.Fragment {
	own := parts[i].Fragments
	first, last := own[0], own[len(own)-1]
	var out []archive.Fragment
	for _, f := range over {
		at := f.Time(r.By)
		switch {
		case at.Before(first.Time(r.By)), i+1 < len(parts) && !at.Before(parts[i+1].Fragments[0].Time(r.By)):
		case !at.After(last.Time(r.By)), liesUpon(r, &last, &f):
			out = append(out, f)
		}
	}
	return out
}
