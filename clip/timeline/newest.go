package timeline

import (
	"context"
	"fmt"
	"time"

	"clipfs/clip/archive"
)

// Latest gives the start of the newest fragment of a stream; ErrNoFootage if it has none.
func (t *Timeline) Latest(ctx context.Context, name archive.StreamName) (time.Time, error) {
	start, _, err := t.Newest(ctx, name)
	return start, err
}

// Newest gives the start and the end of the newest fragment of a stream; ErrNoFootage if it has none.
func (t *Timeline) Newest(ctx context.Context, name archive.StreamName) (start, end time.Time, err error) {
	n, err := t.latestFragment(ctx, name)
	return n.start, n.end, err
}

// latestFragment gives the newest fragment, from memory for a moment.
func (t *Timeline) latestFragment(ctx context.Context, name archive.StreamName) (newest, error) {
	if e, ok := t.latest.Get(name); ok && time.Now().Before(e.validUntil) {
		return e.newest, nil
	}
	return t.newests.Do(ctx, name, func(ctx context.Context, _ func()) (newest, error) {
		v, err := t.viewToNewest(ctx, name)
		if err != nil {
			return newest{}, err
		}
		n, err := t.findNewest(ctx, v)
		if err != nil {
			return newest{}, err
		}
		t.latest.Add(name, latestEntry{n, time.Now().Add(edgeTTL)})
		return n, nil
	})
}

// findNewest lists the last hour of a window, and the one it began in, first: a camera that records has its newest footage
// there. If they are empty it probes further back in spans that double, then halves the span with footage, each with a call
// that asks for one fragment. Spans begin on the hour, so that answers are found again.
func (t *Timeline) findNewest(ctx context.Context, v View) (newest, error) {
	n, err := t.lastIn(ctx, v, lastHours(v))
	if err != nil || !n.start.IsZero() {
		return n, err
	}
	upper := lastHours(v).Start
	for length := 2 * bucketLength; upper.After(v.Window.Start); length *= 2 {
		span := archive.Span{Start: upper.Add(-length), End: upper}
		found, err := t.table.recorded(ctx, v, span)
		if err != nil {
			return newest{}, err
		}
		if found {
			return t.narrow(ctx, v, span)
		}
		upper = span.Start
	}
	return newest{}, fmt.Errorf("stream %s: %w", v.Stream.Name, archive.ErrNoFootage)
}

// lastHours gives the last hour of a window, and the one it began in.
func lastHours(v View) archive.Span {
	return archive.Span{Start: v.Window.End.Add(-bucketLength).Truncate(bucketLength), End: v.Window.End}
}

// narrow gives the last fragment in a span of whole hours that is known to have one.
func (t *Timeline) narrow(ctx context.Context, v View, span archive.Span) (newest, error) {
	for span.Length() > bucketLength {
		upper := archive.Span{Start: span.Start.Add(span.Length() / 2).Truncate(bucketLength), End: span.End}
		found, err := t.table.recorded(ctx, v, upper)
		if err != nil {
			return newest{}, err
		}
		if found {
			span = upper
		} else {
			span.End = upper.Start
		}
	}
	n, err := t.lastIn(ctx, v, span)
	if err == nil && n.start.IsZero() {
		err = fmt.Errorf("stream %s: %w", v.Stream.Name, archive.ErrNoFootage) // it left retention meanwhile
	}
	return n, err
}

// lastIn gives the last fragment in a span; its start is the zero time if there is none.
func (t *Timeline) lastIn(ctx context.Context, v View, span archive.Span) (newest, error) {
	listed, err := t.List(ctx, v, span)
	if err != nil || len(listed.Fragments) == 0 {
		return newest{}, err
	}
	f := listed.Fragments[len(listed.Fragments)-1]
	start, end := f.Time(t.options.Selector), listed.Rule.End(f)
	if !end.After(start) {
		end = start.Add(archive.Grain) // the fragment belongs to the span that ends with it
	}
	return newest{start, end}, nil
}

// First gives the start of the oldest fragment of a stream that is still kept; ErrNoFootage if it has none.
func (t *Timeline) First(ctx context.Context, name archive.StreamName) (time.Time, error) {
	v, err := t.viewToNewest(ctx, name)
	if err != nil {
		return time.Time{}, err
	}
	end := v.Window.End.Truncate(bucketLength).Add(bucketLength)
	span := archive.Span{Start: v.Window.Start.Truncate(bucketLength), End: end}
	for span.Length() > bucketLength {
		lower := archive.Span{Start: span.Start, End: span.Start.Add(span.Length() / 2).Truncate(bucketLength)}
		if lower.Empty() {
			lower.End = lower.Start.Add(bucketLength)
		}
		found, err := t.table.recorded(ctx, v, lower)
		if err != nil {
			return time.Time{}, err
		}
		if found {
			span = lower
		} else {
			span.Start = lower.End
		}
	}
	listed, err := t.List(ctx, v, span)
	if err != nil {
		return time.Time{}, err
	}
	if len(listed.Fragments) == 0 {
		return time.Time{}, fmt.Errorf("stream %s: %w", name, archive.ErrNoFootage)
	}
	return listed.Fragments[0].Time(t.options.Selector), nil
}

// Footage is what a span of a stream has.
type Footage struct {
	// Length is how much of the span was recorded.
	Length time.Duration
	// First and Last are when the first and the last fragment start.
	First, Last time.Time
}

// Footage adds up what starts in a span of up to a day; ErrNoFootage if nothing does.
func (t *Timeline) Footage(ctx context.Context, name archive.StreamName, span archive.Span) (Footage, error) {
	v, err := t.View(ctx, name, span.End)
	if err != nil {
		return Footage{}, err
	}
	listed, err := t.List(ctx, v, span)
	if err != nil {
		return Footage{}, err
	}
	if len(listed.Fragments) == 0 {
		return Footage{}, fmt.Errorf("stream %s, %s: %w", name, span, archive.ErrNoFootage)
	}
	by := t.options.Selector
	return Footage{
		Length: listed.Rule.Recorded(listed.Fragments),
		First:  listed.Fragments[0].Time(by),
		Last:   listed.Fragments[len(listed.Fragments)-1].Time(by),
	}, nil
}
