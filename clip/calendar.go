package clip

import (
	"context"
	"slices"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/names"
	"clipfs/clip/parallel"
)

// Days gives the days with footage, ascending: those that are kept, at most ListDays of them back from now, as the
// calendar in the grammar's location has them. If none of these has any, it gives the newest older day that has, and the
// log says so once. It costs at most twelve calls more than there are such days, and one more for each pause of days
// beyond the first few; what is known is not asked for again. What it finds of the newest footage, Latest gives.
func (l *Library) Days(ctx context.Context, name archive.StreamName) ([]archive.Start, error) {
	return l.days.Do(ctx, name, func(ctx context.Context, progress func()) ([]archive.Start, error) {
		v, err := l.viewToNewest(ctx, name)
		if err != nil {
			return nil, err
		}
		n, err := l.lastIn(ctx, v, lastHours(v))
		if err != nil {
			return nil, err
		}
		progress()
		days, err := l.findDays(ctx, v, n, progress)
		if err == nil && n.start.IsZero() {
			err = l.lookLost(ctx, v, len(days) == 0)
		}
		if err != nil || len(days) == 0 {
			return nil, err
		}
		if n.start.IsZero() {
			last := l.options.Grammar.Period(days[len(days)-1])
			end := last.End.Add(bucketLength - archive.Grain).Truncate(bucketLength)
			if n, err = l.narrow(ctx, v, archive.Span{Start: last.Start.Truncate(bucketLength), End: end}); err != nil {
				return nil, err
			}
		}
		l.latest.Add(name, latestEntry{newest: n, expires: time.Now().Add(edgeTTL)})
		return days, nil
	})
}

// findDays looks for days with footage. n is the newest footage, if that is of the last hours.
func (l *Library) findDays(ctx context.Context, v view, n newest, progress func()) ([]archive.Start, error) {
	g := l.options.Grammar
	days := slices.Collect(g.Starts(archive.Span{Start: g.Containing(v.window.Start, archive.Day).Time, End: v.window.End}, archive.Day))
	days = days[max(0, len(days)-l.options.ListDays):]
	s := daySearch{timeline: l.timeline, view: v, slack: staleSlack, progress: progress, states: make([]dayState, len(days))}
	for i, day := range days {
		s.periods = append(s.periods, g.Period(day))
		if !n.start.IsZero() && s.periods[i].Contains(n.start) {
			s.states[i], s.slack = footageDay, liveSlack
		}
	}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	var with []archive.Start
	for i, day := range days {
		if s.states[i] == footageDay {
			with = append(with, day)
		}
	}
	if len(with) > 0 || len(days) == 0 {
		return with, nil
	}
	return l.findOlderDay(ctx, v, archive.Span{Start: v.window.Start, End: days[0].Time}, progress)
}

// findOlderDay gives the newest day of a span that has footage, if any has, and says in the log why it is listed.
func (l *Library) findOlderDay(ctx context.Context, v view, span archive.Span, progress func()) ([]archive.Start, error) {
	g := l.options.Grammar
	var newest time.Time
	for from := span.Start; from.Before(span.End); {
		some, complete, err := l.timeline.sample(ctx, v, archive.Span{Start: from, End: span.End}, manyFragments)
		if err != nil {
			return nil, err
		}
		progress()
		switch {
		case len(some) > 0:
			for _, f := range some {
				if at := f.Time(l.options.Selector); at.After(newest) {
					newest = at
				}
			}
			if span.Start = g.Period(g.Containing(newest, archive.Day)).End; complete {
				span.Start = span.End
			}
		case newest.IsZero():
			return nil, nil
		default:
			span.End = from
		}
		if from = g.Containing(span.Start.Add(span.Length()/2), archive.Day).Time; from.Before(span.Start) {
			from = span.Start
		}
	}
	if newest.IsZero() {
		return nil, nil
	}
	day := g.Containing(newest, archive.Day)
	if _, told := l.toldOlder.LoadOrStore(v.stream.Name, true); !told {
		l.options.Logger.Info("no day within --list-days has footage: the newest older one is listed",
			"stream", v.stream.Name, "days", l.options.ListDays, "listed", g.FormatStart(day.Time, archive.Day))
	}
	return []archive.Start{day}, nil
}

// DayHours gives the hours of a day with footage that are listed, ascending, as clocks in the grammar's location show them: all,
// or, where a day is listed as one clip, those that are not in it because clocks go back and no clip is longer than 24 h.
func (l *Library) DayHours(ctx context.Context, name archive.StreamName, day archive.Start) ([]archive.Start, error) {
	v, err := l.viewTo(ctx, name, l.options.Grammar.Period(day).End)
	if err != nil {
		return nil, err
	}
	g := l.options.Grammar
	hours := slices.Collect(g.Starts(g.Period(day), archive.Hour))
	if !l.options.Listed.Finer(archive.Day) {
		hours = slices.DeleteFunc(hours, func(hour archive.Start) bool { return !g.BeyondDay(hour) })
	}
	return l.withFootage(ctx, v, hours)
}

// Minutes gives the minutes of an hour in which a fragment starts, ascending.
func (l *Library) Minutes(ctx context.Context, name archive.StreamName, hour archive.Start) ([]archive.Start, error) {
	v, err := l.viewTo(ctx, name, l.options.Grammar.Period(hour).End)
	if err != nil {
		return nil, err
	}
	g := l.options.Grammar
	listed, err := l.timeline.list(ctx, v, g.Period(hour))
	if err != nil {
		return nil, err
	}
	var minutes []archive.Start
	var end time.Time // of the last one
	for _, f := range listed.fragments {
		if at := f.Time(l.options.Selector); !at.Before(end) {
			minute := g.Containing(at, archive.Minute)
			minutes, end = append(minutes, minute), g.Period(minute).End
		}
	}
	return minutes, nil
}

// withFootage gives those of some starts in whose period any fragment starts, asking in their order.
func (l *Library) withFootage(ctx context.Context, v view, starts []archive.Start) ([]archive.Start, error) {
	found := make([]bool, len(starts))
	err := parallel.Each(ctx, probesAtOnce, len(starts), func(ctx context.Context, i int) (err error) {
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
func (l *Library) Lengths(ctx context.Context, name archive.StreamName, start archive.Start) ([]time.Duration, error) {
	g := l.options.Grammar
	period := g.Period(start)
	all := l.options.Listed.Lengths(start.Precision, period.Length())
	if !l.options.Listed.Finer(archive.Day) && start.Precision == archive.Hour && g.BeyondDay(start) {
		all = []time.Duration{period.Length()}
	}
	if len(all) == 0 {
		return nil, nil
	}
	v, err := l.viewTo(ctx, name, start.Time.Add(all[len(all)-1]))
	if err != nil {
		return nil, err
	}
	if start.Precision == archive.Day && len(all) == 1 { // which need not be listed whole to be told
		found, err := l.timeline.recorded(ctx, v, archive.NewSpan(start.Time, all[0]))
		if err != nil || !found {
			return nil, err
		}
		return all, nil
	}
	listed, err := l.timeline.list(ctx, v, archive.NewSpan(start.Time, all[len(all)-1]))
	if err != nil || len(listed.fragments) == 0 {
		return nil, err
	}
	first := listed.fragments[0].Time(l.options.Selector)
	return slices.DeleteFunc(all, func(length time.Duration) bool { return !archive.NewSpan(start.Time, length).Contains(first) }), nil
}

// LastLengths gives those of ListedLengths whose clip up to the newest footage has any: all in which the newest
// fragment starts.
func (l *Library) LastLengths(ctx context.Context, name archive.StreamName) ([]time.Duration, error) {
	n, err := l.latestFragment(ctx, name)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names.ListedLengths(), func(length time.Duration) bool { return n.start.Before(n.end.Add(-length)) }), nil
}
