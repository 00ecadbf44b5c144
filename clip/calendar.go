package clip

import (
	"context"
	"slices"
	"time"
)

// probesAtOnce bounds the probes of one call that run at the same time.
const probesAtOnce = 8

// calendarStep is the finest by which clocks anywhere differ from UTC, or change.
const calendarStep = 15 * time.Minute

// Period gives the span of time that a start's name stands for: that day, hour, minute, second or millisecond. A day
// may have 23 or 25 hours where clocks change.
func (g Grammar) Period(s Start) Span {
	switch s.Precision {
	case Day:
		return Span{Start: s.Time, End: g.nextDay(s.Time)}
	case Hour:
		return Span{Start: s.Time, End: g.nextHour(s.Time)}
	case Minute:
		return NewSpan(s.Time, time.Minute)
	case Second:
		return NewSpan(s.Time, time.Second)
	}
	return NewSpan(s.Time, Grain)
}

// nextDay gives when the day after the one that begins at t begins.
func (g Grammar) nextDay(t time.Time) time.Time {
	year, month, day := t.In(g.location()).Date()
	for n := 1; ; n++ { // where a day was skipped it is the one after
		noon := time.Date(year, month, day+n, 12, 0, 0, 0, g.location())
		if s, err := g.ParseStart(g.FormatStart(noon, Day)); err == nil && s.Time.After(t) {
			return s.Time
		}
	}
}

// nextHour gives when clocks show another hour than at t, which is when an hour begins.
func (g Grammar) nextHour(t time.Time) time.Time {
	name := g.FormatStart(t, Hour)
	for next := t.Truncate(calendarStep).Add(calendarStep); ; next = next.Add(calendarStep) {
		if g.FormatStart(next, Hour) != name {
			return next
		}
	}
}

// Days gives the days with footage, ascending: those that are kept, at most ListDays of them back from now, as the
// calendar in the grammar's location has them. Days before the stream was made are looked at only if the span before
// that, which footage uploaded with old times can lie in, has any.
func (l *Library) Days(ctx context.Context, name StreamName) ([]Start, error) {
	v, err := l.view(ctx, name)
	if err != nil {
		return nil, err
	}
	oldest := v.window.Start
	if v.stream.Created.After(oldest) {
		before := Span{Start: oldest, End: v.stream.Created.UTC().Truncate(bucketLength)}
		found, err := l.timeline.recorded(ctx, v, before)
		if err != nil {
			return nil, err
		}
		if !found {
			oldest = v.stream.Created
		}
	}
	g := l.options.Grammar
	var days []Start
	for at := v.window.End.Add(-Grain); len(days) < l.options.ListDays; {
		day, err := g.ParseStart(g.FormatStart(at, Day))
		if err != nil {
			return nil, err
		}
		days = append(days, day)
		if !day.Time.After(oldest) {
			break
		}
		at = day.Time.Add(-Grain)
	}
	days, err = l.withFootage(ctx, v, days)
	slices.Reverse(days)
	return days, err
}

// DayHours gives the hours of a day with footage, ascending, as clocks in the grammar's location show them.
func (l *Library) DayHours(ctx context.Context, name StreamName, day Start) ([]Start, error) {
	v, err := l.view(ctx, name)
	if err != nil {
		return nil, err
	}
	g := l.options.Grammar
	var hours []Start
	end := g.nextDay(day.Time)
	for at := day.Time; at.Before(end); at = g.nextHour(at) {
		hours = append(hours, Start{Time: at, Precision: Hour})
	}
	return l.withFootage(ctx, v, hours)
}

// Minutes gives the minutes of an hour in which a fragment starts, ascending.
func (l *Library) Minutes(ctx context.Context, name StreamName, hour Start) ([]Start, error) {
	v, err := l.view(ctx, name)
	if err != nil {
		return nil, err
	}
	listed, err := l.timeline.list(ctx, v, l.options.Grammar.Period(hour))
	if err != nil {
		return nil, err
	}
	var minutes []Start
	for _, f := range listed.fragments {
		minute := f.Time(l.options.Selector).Truncate(time.Minute)
		if n := len(minutes); n == 0 || minutes[n-1].Time.Before(minute) {
			minutes = append(minutes, Start{Time: minute, Precision: Minute})
		}
	}
	return minutes, nil
}

// withFootage gives those of some starts in whose period any fragment starts, asking in their order.
func (l *Library) withFootage(ctx context.Context, v view, starts []Start) ([]Start, error) {
	found := make([]bool, len(starts))
	err := parallel(ctx, probesAtOnce, len(starts), func(ctx context.Context, i int) (err error) {
		found[i], err = l.timeline.recorded(ctx, v, l.options.Grammar.Period(starts[i]))
		return err
	})
	if err != nil {
		return nil, err
	}
	with := starts[:0]
	for i, s := range starts {
		if found[i] {
			with = append(with, s)
		}
	}
	return with, nil
}

// Lengths gives those of ListedLengths whose clip from a start has footage.
func (l *Library) Lengths(ctx context.Context, name StreamName, start Start) ([]time.Duration, error) {
	v, err := l.view(ctx, name)
	if err != nil {
		return nil, err
	}
	all := ListedLengths()
	listed, err := l.timeline.list(ctx, v, NewSpan(start.Time, all[len(all)-1]))
	if err != nil || len(listed.fragments) == 0 {
		return nil, err
	}
	first := listed.fragments[0].Time(l.options.Selector)
	return slices.DeleteFunc(all, func(length time.Duration) bool { return !NewSpan(start.Time, length).Contains(first) }), nil
}

// LastLengths gives those of ListedLengths whose clip up to the newest footage has any: all in which the newest
// fragment starts.
func (l *Library) LastLengths(ctx context.Context, name StreamName) ([]time.Duration, error) {
	n, err := l.latestFragment(ctx, name)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(ListedLengths(), func(length time.Duration) bool { return n.start.Before(n.end.Add(-length)) }), nil
}
