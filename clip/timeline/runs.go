package timeline

import (
	"context"
	"time"

	"clipfs/clip/archive"
)

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
	return runsOf(listed.Fragments, listed.Rule, period.End), nil
}

// runsOf gives the spans of the runs of fragments, in the order of their times, all of which start before the end.
func runsOf(fragments []archive.Fragment, rule archive.GapRule, end time.Time) []archive.Span {
	var runs []archive.Span
	for i, f := range fragments {
		at := f.Time(rule.By)
		if i == 0 || rule.Between(fragments[i-1], f) || at.Sub(runs[len(runs)-1].Start) >= archive.MaxSpan {
			start := at.UTC().Truncate(archive.Grain)
			if i > 0 { // the last frame of what is longer than the gap rule believes ends here at the latest
				runs[len(runs)-1].End = earlier(runs[len(runs)-1].End, start)
			}
			runs = append(runs, archive.Span{Start: start, End: start})
		}
		run := &runs[len(runs)-1]
		// It ends with whichever of its fragments ends last, and behind the instant at which the last of them starts.
		for _, until := range []time.Time{at.Add(1), rule.End(f)} {
			if until = until.Add(archive.Grain - 1).UTC().Truncate(archive.Grain); until.After(run.End) {
				run.End = earlier(until, earlier(end, run.Start.Add(archive.MaxSpan)))
			}
		}
	}
	return runs
}

// earlier gives the earlier of two instants.
func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
