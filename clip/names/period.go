package names

import (
	"fmt"
	"iter"
	"time"

	"clipfs/clip/archive"
)

// How instants belong to listed directories:
//
// A day, hour or minute begins at each instant whose name of that precision reads back as that very instant, and lasts
// until the next such instant. So every instant lies in exactly one listed day, hour and minute, and each of them has a
// name. An hour that clocks show twice is two hours where the second begins on the full hour ("T01", "T01-05:00"). Where
// clocks go back into the middle of an hour no name says that, and what comes until the next full hour is the rest of
// the hour before: Lord Howe's T01 has 90 minutes on that day, and each of its minutes a name of its own.

// Period gives the span of time that a start's name stands for: that day, hour, minute, second or millisecond. A day may
// have 23 or 25 hours where clocks change. What does not begin as clocks in Location show it, but with another offset, is
// as long as its name says.
func (g Grammar) Period(s archive.Start) archive.Span {
	if s.Precision > archive.Minute || !g.begins(s.Time, s.Precision) {
		return archive.NewSpan(s.Time, s.Precision.Nominal())
	}
	return archive.Span{Start: s.Time, End: g.next(s.Time, s.Precision)}
}

// Containing gives the day, hour or minute in which t is listed.
func (g Grammar) Containing(t time.Time, p archive.Precision) archive.Start {
	t = t.UTC()
	shown := shownAt(t.In(g.location()))
	at := t.Add(shown.Truncate(p.Nominal()).Sub(shown))
	for back := 2 * p.Nominal(); !g.begins(at, p) || at.After(t); back *= 2 { // clocks were changed since
		at = g.next(t.Add(-back), p)
	}
	for next := g.next(at, p); !next.After(t); next = g.next(at, p) {
		at = next
	}
	return archive.Start{Time: at, Precision: p}
}

// shownAt gives what clocks show at a time, as if they showed UTC.
func shownAt(local time.Time) time.Time {
	year, month, day := local.Date()
	hour, minute, second := local.Clock()
	return time.Date(year, month, day, hour, minute, second, local.Nanosecond(), time.UTC)
}

// Starts gives the days, hours or minutes that begin in a span, ascending.
func (g Grammar) Starts(span archive.Span, p archive.Precision) iter.Seq[archive.Start] {
	return func(yield func(archive.Start) bool) {
		at := span.Start.UTC()
		if !g.begins(at, p) {
			at = g.next(at, p)
		}
		for ; at.Before(span.End); at = g.next(at, p) {
			if !yield(archive.Start{Time: at, Precision: p}) {
				return
			}
		}
	}
}

// begins reports whether a period begins at t: whether its name reads back as t.
func (g Grammar) begins(t time.Time, p archive.Precision) bool {
	if g.location() == time.UTC {
		return t.Equal(t.Truncate(p.Nominal()))
	}
	s, err := g.ParseStart(g.FormatStart(t, p))
	return err == nil && s.Time.Equal(t)
}

// next gives the first instant after t at which a period begins: a full day, hour or minute on the clock, or a change of
// clocks.
func (g Grammar) next(t time.Time, p archive.Precision) time.Time {
	for {
		local := t.In(g.location())
		shown := shownAt(local)
		t = t.Add(shown.Truncate(p.Nominal()).Add(p.Nominal()).Sub(shown)).UTC()
		if _, change := local.ZoneBounds(); change.After(local) && change.Before(t) {
			t = change.UTC()
		}
		if g.begins(t, p) {
			return t
		}
	}
}

// ParseWithin reads the name of a start in the directory of a coarser one: an hour of a day, a minute of an hour.
// ErrName if it is not finer or does not lie in it.
func (g Grammar) ParseWithin(outer archive.Start, name string) (archive.Start, error) {
	inner, err := g.ParseStart(name)
	if err != nil {
		return archive.Start{}, err
	}
	if inner.Precision <= outer.Precision || !g.Period(outer).Contains(inner.Time) {
		return archive.Start{}, fmt.Errorf("%q is not in %s: %w", name, g.FormatStart(outer.Time, outer.Precision), archive.ErrName)
	}
	return inner, nil
}

// BeyondDay reports whether an hour goes on after the first 24 h of its day, as one does where clocks go back.
func (g Grammar) BeyondDay(hour archive.Start) bool {
	return g.Period(hour).End.After(g.Containing(hour.Time, archive.Day).Time.Add(archive.MaxSpan))
}
