package timeline

import (
	"context"
	"slices"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/parallel"
)

// Days gives the days with footage, ascending: those that are kept, at most ListDays of them back from now, as the
// calendar in the grammar's location has them. If none of these has any, it gives the newest older day that has, and the
// log says so once. It costs at most twelve calls more than there are such days, and one more for each pause of days
// beyond the first few; what is known is not asked for again. What it finds of the newest footage, Latest gives.
func (t *Timeline) Days(ctx context.Context, name archive.StreamName) ([]archive.Start, error) {
	return t.days.Do(ctx, name, func(ctx context.Context, progress func()) ([]archive.Start, error) {
		v, err := t.viewToNewest(ctx, name)
		if err != nil {
			return nil, err
		}
		n, err := t.lastIn(ctx, v, lastHours(v))
		if err != nil {
			return nil, err
		}
		progress()
		days, err := t.findDays(ctx, v, n, progress)
		if err == nil && n.start.IsZero() {
			err = t.clocks.findLost(ctx, v, len(days) == 0)
		}
		if err != nil || len(days) == 0 {
			return nil, err
		}
		if n.start.IsZero() {
			last := t.options.Grammar.Period(days[len(days)-1])
			end := last.End.Add(bucketLength - archive.Grain).Truncate(bucketLength)
			if n, err = t.narrow(ctx, v, archive.Span{Start: last.Start.Truncate(bucketLength), End: end}); err != nil {
				return nil, err
			}
		}
		t.latest.Add(name, latestEntry{n, time.Now().Add(edgeTTL)})
		return days, nil
	})
}

// findDays looks for days with footage. n is the newest footage, if that is of the last hours.
func (t *Timeline) findDays(ctx context.Context, v View, n newest, progress func()) ([]archive.Start, error) {
	g := t.options.Grammar
	days := slices.Collect(g.Starts(archive.Span{Start: g.Containing(v.Window.Start, archive.Day).Time, End: v.Window.End}, archive.Day))
	days = days[max(0, len(days)-t.options.ListDays):]
	s := daySearch{table: t.table, view: v, slack: staleSlack, progress: progress, states: make([]dayState, len(days))}
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
	return t.findOlderDay(ctx, v, archive.Span{Start: v.Window.Start, End: days[0].Time}, progress)
}

// findOlderDay gives the newest day of a span that has footage, if any has, and says in the log why it is listed.
func (t *Timeline) findOlderDay(ctx context.Context, v View, span archive.Span, progress func()) ([]archive.Start, error) {
	g := t.options.Grammar
	var newest time.Time
	for from := span.Start; from.Before(span.End); {
		some, complete, err := t.table.sample(ctx, t.options.Selector, v, archive.Span{Start: from, End: span.End}, manyFragments)
		if err != nil {
			return nil, err
		}
		progress()
		switch {
		case len(some) > 0:
			for _, f := range some {
				if at := f.Time(t.options.Selector); at.After(newest) {
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
	if _, told := t.toldOlder.LoadOrStore(v.Stream.Name, true); !told {
		t.options.Logger.Info("no day within --list-days has footage: the newest older one is listed",
			"stream", v.Stream.Name, "days", t.options.ListDays, "listed", g.FormatStart(day.Time, archive.Day))
	}
	return []archive.Start{day}, nil
}

// Hours gives the hours of a day with footage, ascending, as clocks in the location of the grammar show them. beyondDay has only
// those that are not in the first 24 h of the day, because clocks go back: no clip is longer.
func (t *Timeline) Hours(ctx context.Context, name archive.StreamName, day archive.Start, beyondDay bool) ([]archive.Start, error) {
	g := t.options.Grammar
	v, err := t.View(ctx, name, g.Period(day).End)
	if err != nil {
		return nil, err
	}
	hours := slices.Collect(g.Starts(g.Period(day), archive.Hour))
	hours = slices.DeleteFunc(hours, func(hour archive.Start) bool { return beyondDay && !g.BeyondDay(hour) })
	found := make([]bool, len(hours))
	err = parallel.Each(ctx, probesAtOnce, len(hours), func(ctx context.Context, i int) (err error) {
		found[i], err = t.table.recorded(ctx, v, g.Period(hours[i]))
		return err
	})
	if err != nil {
		return nil, err
	}
	var with []archive.Start
	for i, hour := range hours {
		if found[i] {
			with = append(with, hour)
		}
	}
	return with, nil
}

// Recorded reports whether any fragment starts in a span, with one call that asks for one fragment at most.
func (t *Timeline) Recorded(ctx context.Context, v View, span archive.Span) (bool, error) {
	return t.table.recorded(ctx, v, span)
}

// Minutes gives the minutes of an hour in which a fragment starts, ascending.
func (t *Timeline) Minutes(ctx context.Context, name archive.StreamName, hour archive.Start) ([]archive.Start, error) {
	v, err := t.View(ctx, name, t.options.Grammar.Period(hour).End)
	if err != nil {
		return nil, err
	}
	g := t.options.Grammar
	listed, err := t.List(ctx, v, g.Period(hour))
	if err != nil {
		return nil, err
	}
	var minutes []archive.Start
	var end time.Time // of the last one
	for _, f := range listed.Fragments {
		if at := f.Time(t.options.Selector); !at.Before(end) {
			minute := g.Containing(at, archive.Minute)
			minutes, end = append(minutes, minute), g.Period(minute).End
		}
	}
	return minutes, nil
}

// Runs gives the spans of the runs of a day, ascending: what is recorded without a gap, from the start of the first fragment that
// starts in the day. Each fragment of the day starts in exactly one of them. None goes on after the day, and none is longer than a
// clip can be. It costs the listing of the day.
func (t *Timeline) Runs(ctx context.Context, name archive.StreamName, day archive.Start) ([]archive.Span, error) {
	period := t.options.Grammar.Period(day)
	v, err := t.View(ctx, name, period.End)
	if err != nil {
		return nil, err
	}
	listed, err := t.List(ctx, v, period)
	if err != nil {
		return nil, err
	}
	return listed.Rule.Runs(listed.Fragments, period.End), nil
}
