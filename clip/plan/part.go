package plan

import (
	"cmp"
	"slices"
	"time"

	"clipfs/clip/archive"
)

// Part is the piece of a clip that one GetClip call covers: a run of fragments without a gap, within the limits.
type Part struct {
	Fragments []archive.Fragment
	// GapBefore: a gap lies between the clip's fragment before and this part.
	GapBefore bool
	// Asked is what the call asks for where that is more than it is known to bring; nil where it is the fragments.
	Asked []archive.Fragment
	// Over are those that the call asks for too, though they lie over older ones.
	Over []archive.Fragment
	// Lost says why no call brings the fragments; "" where one does.
	Lost string
}

// Slice is the part of some of the fragments.
func (p Part) Slice(from, to int) Part { return Part{Fragments: p.Fragments[from:to:to]} }

// Bytes is the sum of the fragments' sizes as stored.
func (p Part) Bytes() int64 {
	var n int64
	for _, f := range p.Fragments {
		n += f.Size
	}
	return n
}

// Calls has the fragments that a call for the part asks for, in the order of their times.
func (p Part) Calls(by archive.Selector) []archive.Fragment {
	if p.Asked != nil {
		return p.Asked
	}
	return p.All(by)
}

// Query asks for the part's fragments, or for what brings them, whatever arrives after that: from the first one's time to
// the last's.
func (p Part) Query(stream archive.StreamName, by archive.Selector) archive.PayloadQuery {
	asked := p.Calls(by)
	span := SpanOf(asked, by)
	if span.Length() == archive.Grain {
		// The service wants its inclusive end after its start.
		span.End = span.End.Add(archive.Grain)
	}
	return archive.PayloadQuery{Stream: stream, Selector: by, Span: span, Fragments: len(asked)}
}

// SpanOf is from the first fragment's time to just after the last one's.
func SpanOf(fragments []archive.Fragment, by archive.Selector) archive.Span {
	first, last := fragments[0].Time(by), fragments[len(fragments)-1].Time(by)
	return archive.Span{Start: first, End: last.Add(archive.Grain)}
}

// All has the part's fragments and those that lie over them, in the order of their times.
func (p Part) All(by archive.Selector) []archive.Fragment {
	if len(p.Over) == 0 {
		return p.Fragments
	}
	all := slices.Concat(p.Fragments, p.Over)
	slices.SortStableFunc(all, func(a, b archive.Fragment) int {
		return cmp.Or(a.Time(by).Compare(b.Time(by)), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// Crowded reports whether a payload of so many pictures, which usually last so long, and so many sync samples has more
// than the part's fragments, because the service gives what lies over them too.
func (p Part) Crowded(pictures, syncs int, usual time.Duration) bool {
	n, more := len(p.Fragments), len(p.Over)
	if more == 0 || syncs == n {
		return false
	}
	if syncs == n+more {
		return true
	}
	var own, others time.Duration
	for _, f := range p.Fragments {
		own += f.Length + usual
	}
	for _, f := range p.Over {
		others += f.Length + usual
	}
	return time.Duration(pictures)*usual > own+others/2
}

// Separate parts what is served from what is not, and marks the gaps that the latter leaves. Of finds the part in an
// element.
func Separate[E any](all []E, of func(*E) *Part, rule archive.GapRule) (served, lost []E) {
	gap, after := false, false
	var last []archive.Fragment
	for _, e := range all {
		p := of(&e)
		gap = gap || p.GapBefore
		if p.Lost != "" {
			lost, after = append(lost, e), true
			continue
		}
		if after && len(served) > 0 {
			gap = gap || rule.Between(last[len(last)-1], p.Fragments[0])
		}
		p.GapBefore, last = gap, p.Fragments
		served = append(served, e)
		gap, after = false, false
	}
	return served, lost
}
