package timeline

import (
	"context"
	"slices"
	"time"

	"clipfs/clip/archive"
)

// Listing is what a timeline tells of a span.
type Listing struct {
	// Fragments start in the span, by time, each once.
	Fragments []archive.Fragment
	// Rule is learned from those LearnFrom of what the span touches that have most to learn from.
	Rule archive.GapRule
	// ValidUntil is the earliest expiry of the answers used.
	ValidUntil time.Time
	// Stamp tells the listing from all others of its span: two of one stamp, which is not 0, are the same. It is 0 where that is not known.
	Stamp uint64
}

// List gives the fragments that start in a span. It costs no call where they are known; ErrNotListable where they may not be listed.
func (t *Timeline) List(ctx context.Context, v View, span archive.Span) (Listing, error) {
	sections, l, err := t.Sections(ctx, v, span)
	if err != nil {
		return Listing{}, err
	}
	return t.Join(span.Intersect(v.Window), sections, l), nil
}

// Sections gives what List puts together, in order, as it is in memory: it is not to be changed. Of the listing whole has all but the
// fragments and what is learned from them.
func (t *Timeline) Sections(ctx context.Context, v View, span archive.Span) (sections []Section, whole Listing, err error) {
	span = span.Intersect(v.Window)
	whole = Listing{Rule: archive.GapRule{Min: t.options.Gap, By: t.options.Selector}, ValidUntil: time.Now().Add(t.options.TTL)}
	if span.Empty() {
		return nil, whole, nil
	}
	around := archive.LearnSpan(span)
	if sections, err = t.table.gather(ctx, v, around.Intersect(v.Window)); err != nil {
		return nil, Listing{}, err
	}
	for _, s := range sections {
		if s.validUntil.Before(whole.ValidUntil) {
			whole.ValidUntil = s.validUntil
		}
	}
	if v.Window.Covers(around) {
		whole.Stamp = stampOf(sections)
	}
	return sections, whole, nil
}

// Join puts the listing of a span in the window together.
func (t *Timeline) Join(span archive.Span, sections []Section, l Listing) Listing {
	l.Fragments = joined(sections)
	l.Rule.LeftOut = archive.LearnLeftOut(l.Fragments, t.options.Selector)
	l.Fragments = slices.Clip(t.options.Selector.Within(l.Fragments, span))
	return l
}

// joined gives the fragments of sections, which are in order. Those of several are copied, or unpacked, once.
func joined(sections []Section) []archive.Fragment {
	if len(sections) == 1 {
		return sections[0].Fragments()
	}
	count := 0
	for _, s := range sections {
		count += s.fragments.Len()
	}
	all := make([]archive.Fragment, 0, count)
	for _, s := range sections {
		from := len(all)
		all = s.fragments.AppendTo(all)
		all = append(all[:from], s.by.Within(all[from:], s.span)...)
	}
	return all
}

// Unchanged reports whether List would give the listing of that stamp again, and until when that is valid; false where that is not known. It makes no call.
//
// Hours are numbered as they are put into memory, and a stamp is the sum of those numbers: once any hour of a span is replaced, it has a
// higher number, and the sum is another one. (The highest number would not tell an hour that was replaced while the next one was waited for.)
func (t *Timeline) Unchanged(v View, span archive.Span, stamp uint64) (validUntil time.Time, ok bool) {
	around := archive.LearnSpan(span)
	if stamp == 0 || span.Empty() || !v.Window.Covers(around) {
		return time.Time{}, false
	}
	now := time.Now()
	validUntil = now.Add(t.options.TTL)
	sum := uint64(0)
	for hour := around.Start.Truncate(bucketLength); hour.Before(around.End); hour = hour.Add(bucketLength) {
		key := keyOf(v.Stream.Name, hour)
		t.table.mu.Lock()
		b, known := t.table.buckets.peek(key)
		t.table.mu.Unlock()
		if !known || key.minutes(around)&^b.known != 0 {
			return time.Time{}, false
		}
		until := t.table.validUntil(v.Stream.Name, b)
		if !now.Before(until) {
			return time.Time{}, false
		}
		if until.Before(validUntil) {
			validUntil = until
		}
		sum += b.serial
	}
	return validUntil, sum == stamp
}

// stampOf gives the stamp of a listing that is made of sections: the sum of those of its hours. It is 0 where a section is no hour that is kept.
func stampOf(sections []Section) (sum uint64) {
	for _, s := range sections {
		if s.Serial == 0 {
			return 0
		}
		sum += s.Serial
	}
	return sum
}

// FirstIn gives when the first fragment starts of those that List gives for a span; false where there are none. It costs what List costs, and copies
// nothing.
func (t *Timeline) FirstIn(ctx context.Context, v View, span archive.Span) (first time.Time, ok bool, err error) {
	sections, _, err := t.Sections(ctx, v, span)
	if err != nil {
		return time.Time{}, false, err
	}
	for _, s := range sections {
		if in := s.by.Within(s.Fragments(), span.Intersect(v.Window)); len(in) > 0 {
			return in[0].Time(t.options.Selector), true, nil
		}
	}
	return time.Time{}, false, nil
}
