package clip

import (
	"context"
	"slices"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/names"
)

// Last gives the clip of some length that ends with the newest footage of a stream, as it is now.
func (l *Library) Last(ctx context.Context, name archive.StreamName, length time.Duration) (*Clip, error) {
	return l.lastOf(ctx, name, length, l.Clip)
}

// LastCover is Last with the fragment that was running at the clip's start, as Cover has it.
func (l *Library) LastCover(ctx context.Context, name archive.StreamName, length time.Duration) (*Clip, error) {
	return l.lastOf(ctx, name, length, l.Cover)
}

func (l *Library) lastOf(
	ctx context.Context, name archive.StreamName, length time.Duration, clip func(context.Context, archive.StreamName, archive.Span) (*Clip, error),
) (*Clip, error) {
	_, end, err := l.Newest(ctx, name)
	if err != nil {
		return nil, err
	}
	return clip(ctx, name, archive.NewSpan(end.Add(-length), length))
}

// DayHours gives the hours of a day with footage that are listed, ascending, as clocks in the location of the grammar show
// them: all, or, where a day is listed as one clip, those that are not in it because clocks go back and no clip is longer
// than 24 h.
func (l *Library) DayHours(ctx context.Context, name archive.StreamName, day archive.Start) ([]archive.Start, error) {
	return l.Hours(ctx, name, day, !l.options.Listed.Finer(archive.Day))
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
	longest := archive.NewSpan(start.Time, all[len(all)-1])
	v, err := l.View(ctx, name, longest.End)
	if err != nil {
		return nil, err
	}
	if start.Precision == archive.Day && len(all) == 1 { // that takes no listing of the whole day
		found, err := l.Recorded(ctx, v, longest)
		if err != nil || !found {
			return nil, err
		}
		return all, nil
	}
	first, found, err := l.FirstIn(ctx, v, longest)
	if err != nil || !found {
		return nil, err
	}
	return slices.DeleteFunc(all, func(length time.Duration) bool { return !archive.NewSpan(start.Time, length).Contains(first) }), nil
}

// LastLengths gives those of ListedLengths whose clip up to the newest footage has any: all in which the newest fragment
// starts.
func (l *Library) LastLengths(ctx context.Context, name archive.StreamName) ([]time.Duration, error) {
	start, end, err := l.Newest(ctx, name)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names.ListedLengths(), func(length time.Duration) bool { return start.Before(end.Add(-length)) }), nil
}
