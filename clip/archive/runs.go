package archive

import "time"

// Runs gives the spans without a gap that fragments make. The fragments are in the order of their times, and start before the end. No span is longer
// than a clip can be.
func (r GapRule) Runs(fragments []Fragment, end time.Time) []Span {
	var runs []Span
	for i, f := range fragments {
		at := f.Time(r.By)
		if i == 0 || r.Between(fragments[i-1], f) || at.Sub(runs[len(runs)-1].Start) >= MaxSpan {
			start := at.UTC().Truncate(Grain)
			if i > 0 { // the last frame of what is longer than the gap rule believes ends here at the latest
				runs[len(runs)-1].End = earlier(runs[len(runs)-1].End, start)
			}
			runs = append(runs, Span{Start: start, End: start})
		}
		run := &runs[len(runs)-1]
		// It ends with whichever of its fragments ends last, and behind the instant at which the last of them starts.
		for _, until := range []time.Time{at.Add(1), r.End(f)} {
			if until = until.Add(Grain - 1).UTC().Truncate(Grain); until.After(run.End) {
				run.End = earlier(until, earlier(end, run.Start.Add(MaxSpan)))
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
