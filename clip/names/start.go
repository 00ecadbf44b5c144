package names

import (
	"fmt"
	"time"

	"clipfs/clip/archive"
)

// wall is a time of day as a clock on the wall shows it.
type wall struct {
	year, month, day, hour, minute, second, milli int
}

// ParseStart reads a start: ISO 8601, extended ("2024-01-01T10:07:30.5+02:00") or basic ("20240101T100730.5+0200"),
// from the day down to the millisecond, with "Z", an offset, or neither, which means Location. A local time that
// occurs twice is the first; a day or an hour that begins in the hour that clocks skip begins when they have skipped
// it. ErrName for what is not in the grammar and for a local time that does not occur.
func (g Grammar) ParseStart(name string) (archive.Start, error) {
	s := scanner{rest: name}
	basic := len(name) > 4 && name[4] != '-'
	w, p := s.wall(basic)
	offset, given := s.offset(basic)
	if !s.bad && s.rest == "" && !w.exists() {
		return archive.Start{}, &nameError{name, "there is no such day"}
	}
	if s.bad || s.rest != "" {
		return archive.Start{}, fmt.Errorf("start %q: %w", name, archive.ErrName)
	}
	if given {
		return archive.Start{Time: w.in(offset), Precision: p}, nil
	}
	t, ok := w.local(g.location(), p)
	if !ok {
		return archive.Start{}, &nameError{name, "that time does not occur in " + g.location().String()}
	}
	return archive.Start{Time: t, Precision: p}, nil
}

// FormatStart writes the day, hour, minute, second or millisecond in which t lies, in Location, so that ParseStart
// reads it back: in the hour that clocks show twice, the second time round, the offset is written too.
func (g Grammar) FormatStart(t time.Time, p archive.Precision) string {
	local := t.In(g.location())
	name := local.Format(layoutOf(p, g.Basic))
	if g.location() == time.UTC {
		return name
	}
	s, err := g.ParseStart(name)
	_, wantOffset := local.Zone()
	_, gotOffset := s.Time.In(g.location()).Zone()
	if err == nil && (wantOffset == gotOffset || p == archive.Day) {
		return name
	}
	if g.Basic {
		return name + local.Format("-0700")
	}
	return name + local.Format("-07:00")
}

// FormatExactly writes a start to a precision, or finer where it takes that to name the instant.
func (g Grammar) FormatExactly(t time.Time, coarsest archive.Precision) string {
	for p := coarsest; p < archive.Millisecond; p++ {
		name := g.FormatStart(t, p)
		if s, err := g.ParseStart(name); err == nil && s.Time.Equal(t) {
			return name
		}
	}
	return g.FormatStart(t, archive.Millisecond)
}

// layoutOf gives the layout of package time for a precision.
func layoutOf(p archive.Precision, basic bool) string {
	const extendedFull, basicFull = "2006-01-02T15:04:05.000", "20060102T150405.000"
	if basic {
		return basicFull[:[...]int{8, 11, 13, 15, 19}[p]]
	}
	return extendedFull[:[...]int{10, 13, 16, 19, 23}[p]]
}

// wall reads a date and as much of a time as there is.
func (s *scanner) wall(basic bool) (wall, archive.Precision) {
	separator := func(b byte) {
		if !basic {
			s.expect(b)
		}
	}
	// follows tells whether a finer field comes: its separator in the extended format, a digit in the basic one.
	follows := func(b byte) bool {
		if !basic {
			return s.more(b)
		}
		return s.rest != "" && s.rest[0] >= '0' && s.rest[0] <= '9'
	}
	var w wall
	w.year = s.fixed(4, 9999)
	separator('-')
	w.month = s.fixed(2, 12)
	separator('-')
	w.day = s.fixed(2, 31)
	if !s.accept('T') {
		return w, archive.Day
	}
	w.hour = s.fixed(2, 23)
	if !follows(':') {
		return w, archive.Hour
	}
	separator(':')
	w.minute = s.fixed(2, 59)
	if !follows(':') {
		return w, archive.Minute
	}
	separator(':')
	w.second = s.fixed(2, 59)
	if !s.accept('.') {
		return w, archive.Second
	}
	w.milli = s.millis()
	return w, archive.Millisecond
}

// offset reads "Z", "+02:00" or "+0200", or nothing.
func (s *scanner) offset(basic bool) (offset time.Duration, given bool) {
	if s.rest == "" {
		return 0, false
	}
	if s.accept('Z') {
		return 0, true
	}
	west := !s.accept('+')
	if west {
		s.expect('-')
	}
	h := s.fixed(2, 23)
	if !basic {
		s.expect(':')
	}
	m := s.fixed(2, 59)
	offset = time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if west {
		offset = -offset
	}
	return offset, true
}

func (w wall) exists() bool {
	d := time.Date(w.year, time.Month(w.month), w.day, 0, 0, 0, 0, time.UTC)
	return d.Year() == w.year && int(d.Month()) == w.month && d.Day() == w.day && w.month > 0
}

// in gives the instant at which a clock that far ahead of UTC shows w.
func (w wall) in(offset time.Duration) time.Time {
	return time.Date(w.year, time.Month(w.month), w.day, w.hour, w.minute, w.second, w.milli*int(time.Millisecond), time.UTC).Add(-offset)
}

// local gives the first instant at which clocks in loc show w, to the precision p: if w itself is skipped but the
// same day or hour goes on after the skip, the instant of the skip. False if there is none.
func (w wall) local(loc *time.Location, p archive.Precision) (time.Time, bool) {
	guess := time.Date(w.year, time.Month(w.month), w.day, w.hour, w.minute, w.second, w.milli*int(time.Millisecond), loc)
	from, to := guess.ZoneBounds()
	near := []time.Time{guess}
	for _, bound := range []time.Time{from, to} {
		if !bound.IsZero() {
			near = append(near, bound, bound.Add(-time.Nanosecond))
		}
	}
	var first time.Time
	for _, n := range near {
		_, offset := n.In(loc).Zone()
		t := w.in(time.Duration(offset) * time.Second)
		if _, got := t.In(loc).Zone(); got == offset && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if !first.IsZero() {
		return first, true
	}
	period := layoutOf(p, false)
	for _, bound := range []time.Time{from, to} {
		if !bound.IsZero() && bound.In(loc).Format(period) == w.in(0).Format(period) {
			return bound.UTC(), true
		}
	}
	return time.Time{}, false
}
