package clip

import (
	"context"
	"slices"
	"time"
)

// probesAtOnce bounds the probes of one call that run at the same time.
const probesAtOnce = 8

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
		day := g.Containing(at, Day)
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

// DayHours gives the hours of a day with footage that are listed, ascending, as clocks in the grammar's location show them: all,
// or, where a day is listed as one clip, those that are not in it because clocks go back and no clip is longer than 24 h.
func (l *Library) DayHours(ctx context.Context, name StreamName, day Start) ([]Start, error) {
	v, err := l.view(ctx, name)
	if err != nil {
		return nil, err
	}
	g := l.options.Grammar
	hours := slices.Collect(g.Starts(g.Period(day), Hour))
	if !l.options.Listed.Finer(Day) {
		hours = slices.DeleteFunc(hours, func(hour Start) bool { return !beyondDay(g, hour) })
	}
	return l.withFootage(ctx, v, hours)
}

// beyondDay reports whether an hour goes on after the first 24 h of its day.
func beyondDay(g Grammar, hour Start) bool {
	return g.Period(hour).End.After(g.Containing(hour.Time, Day).Time.Add(MaxSpan))
}

// Minutes gives the minutes of an hour in which a fragment starts, ascending.
func (l *Library) Minutes(ctx context.Context, name StreamName, hour Start) ([]Start, error) {
	v, err := l.view(ctx, name)
	if err != nil {
		return nil, err
	}
	g := l.options.Grammar
	listed, err := l.timeline.list(ctx, v, g.Period(hour))
	if err != nil {
		return nil, err
	}
	var minutes []Start
	var end time.Time // of the last one
	for _, f := range listed.fragments {
		if at := f.Time(l.options.Selector); !at.Before(end) {
			minute := g.Containing(at, Minute)
			minutes, end = append(minutes, minute), g.Period(minute).End
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

// Lengths gives those of the lengths listed for a start (Listed.Lengths) whose clip has footage.
func (l *Library) Lengths(ctx context.Context, name StreamName, start Start) ([]time.Duration, error) {
	v, err := l.view(ctx, name)
	if err != nil {
		return nil, err
	}
	g := l.options.Grammar
	period := g.Period(start)
	all := l.options.Listed.Lengths(start.Precision, period.Length())
	if !l.options.Listed.Finer(Day) && start.Precision == Hour && beyondDay(g, start) {
		all = []time.Duration{period.Length()}
	}
	if len(all) == 0 {
		return nil, nil
	}
	if start.Precision == Day && len(all) == 1 { // which need not be listed whole to be told
		found, err := l.timeline.recorded(ctx, v, NewSpan(start.Time, all[0]))
		if err != nil || !found {
			return nil, err
		}
		return all, nil
	}
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
