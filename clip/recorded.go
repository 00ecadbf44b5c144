package clip

import (
	"context"
	"fmt"
	"time"

	"clipfs/clip/archive"
)

// latestEntry is the newest footage of a stream and until when that is believed.
type latestEntry struct {
	newest  newest
	expires time.Time
}

// newest is the last fragment of a stream: when it starts and when it ends.
type newest struct{ start, end time.Time }

// Latest gives the start of the newest fragment of a stream; ErrNoFootage if it has none.
func (l *Library) Latest(ctx context.Context, name archive.StreamName) (time.Time, error) {
	n, err := l.latestFragment(ctx, name)
	return n.start, err
}

// Last gives the clip of some length that ends with the newest footage of a stream, as it is now.
func (l *Library) Last(ctx context.Context, name archive.StreamName, length time.Duration) (*Clip, error) {
	n, err := l.latestFragment(ctx, name)
	if err != nil {
		return nil, err
	}
	return l.Clip(ctx, name, archive.NewSpan(n.end.Add(-length), length))
}

// LastCover is Last with the fragment that was running at the clip's start, as Cover has it.
func (l *Library) LastCover(ctx context.Context, name archive.StreamName, length time.Duration) (*Clip, error) {
	n, err := l.latestFragment(ctx, name)
	if err != nil {
		return nil, err
	}
	return l.Cover(ctx, name, archive.NewSpan(n.end.Add(-length), length))
}

// latestFragment gives the newest fragment, from memory for a moment.
func (l *Library) latestFragment(ctx context.Context, name archive.StreamName) (newest, error) {
	if e, ok := l.latest.Get(name); ok && time.Now().Before(e.expires) {
		return e.newest, nil
	}
	return l.newest.Do(ctx, name, func(ctx context.Context, _ func()) (newest, error) {
		v, err := l.viewToNewest(ctx, name)
		if err != nil {
			return newest{}, err
		}
		n, err := l.findNewest(ctx, v)
		if err != nil {
			return newest{}, err
		}
		l.latest.Add(name, latestEntry{newest: n, expires: time.Now().Add(edgeTTL)})
		return n, nil
	})
}

// findNewest lists the last hour of a window, and the one it began in, first, as a camera that records has its newest
// footage there. If they are empty it looks further back in spans that double, then halves the span with footage, each
// with a call that asks for one fragment. Spans begin on the hour, so that answers are found again.
func (l *Library) findNewest(ctx context.Context, v view) (newest, error) {
	n, err := l.lastIn(ctx, v, lastHours(v))
	if err != nil || !n.start.IsZero() {
		return n, err
	}
	upper := lastHours(v).Start
	for length := 2 * bucketLength; upper.After(v.window.Start); length *= 2 {
		span := archive.Span{Start: upper.Add(-length), End: upper}
		found, err := l.timeline.recorded(ctx, v, span)
		if err != nil {
			return newest{}, err
		}
		if found {
			return l.narrow(ctx, v, span)
		}
		upper = span.Start
	}
	return newest{}, fmt.Errorf("stream %s: %w", v.stream.Name, archive.ErrNoFootage)
}

// lastHours gives the last hour of a window, and the one it began in.
func lastHours(v view) archive.Span {
	return archive.Span{Start: v.window.End.Add(-bucketLength).Truncate(bucketLength), End: v.window.End}
}

// narrow gives the last fragment in a span of whole hours that is known to have one.
func (l *Library) narrow(ctx context.Context, v view, span archive.Span) (newest, error) {
	for span.Length() > bucketLength {
		upper := archive.Span{Start: span.Start.Add(span.Length() / 2).Truncate(bucketLength), End: span.End}
		found, err := l.timeline.recorded(ctx, v, upper)
		if err != nil {
			return newest{}, err
		}
		if found {
			span = upper
		} else {
			span.End = upper.Start
		}
	}
	n, err := l.lastIn(ctx, v, span)
	if err == nil && n.start.IsZero() {
		err = fmt.Errorf("stream %s: %w", v.stream.Name, archive.ErrNoFootage) // it left retention meanwhile
	}
	return n, err
}

// lastIn gives the last fragment in a span; its start is the zero time if there is none.
func (l *Library) lastIn(ctx context.Context, v view, span archive.Span) (newest, error) {
	listed, err := l.timeline.list(ctx, v, span)
	if err != nil || len(listed.fragments) == 0 {
		return newest{}, err
	}
	f := listed.fragments[len(listed.fragments)-1]
	start, end := f.Time(l.options.Selector), listed.rule.End(f)
	if !end.After(start) {
		end = start.Add(archive.Grain) // the fragment belongs to the span that ends with it
	}
	return newest{start, end}, nil
}

// First gives the start of the oldest fragment of a stream that is still kept; ErrNoFootage if it has none.
func (l *Library) First(ctx context.Context, name archive.StreamName) (time.Time, error) {
	v, err := l.viewToNewest(ctx, name)
	if err != nil {
		return time.Time{}, err
	}
	end := v.window.End.Truncate(bucketLength).Add(bucketLength)
	span := archive.Span{Start: v.window.Start.Truncate(bucketLength), End: end}
	for span.Length() > bucketLength {
		lower := archive.Span{Start: span.Start, End: span.Start.Add(span.Length() / 2).Truncate(bucketLength)}
		if lower.Empty() {
			lower.End = lower.Start.Add(bucketLength)
		}
		found, err := l.timeline.recorded(ctx, v, lower)
		if err != nil {
			return time.Time{}, err
		}
		if found {
			span = lower
		} else {
			span.Start = lower.End
		}
	}
	listed, err := l.timeline.list(ctx, v, span)
	if err != nil {
		return time.Time{}, err
	}
	if len(listed.fragments) == 0 {
		return time.Time{}, fmt.Errorf("stream %s: %w", name, archive.ErrNoFootage)
	}
	return listed.fragments[0].Time(l.options.Selector), nil
}

// Footage is what a span of a stream has.
type Footage struct {
	// Length is how much of the span was recorded.
	Length time.Duration
	// First and Last are when the first and the last fragment start.
	First, Last time.Time
}

// Footage adds up what starts in a span of up to a day; ErrNoFootage if nothing does.
func (l *Library) Footage(ctx context.Context, name archive.StreamName, span archive.Span) (Footage, error) {
	v, err := l.viewTo(ctx, name, span.End)
	if err != nil {
		return Footage{}, err
	}
	listed, err := l.timeline.list(ctx, v, span)
	if err != nil {
		return Footage{}, err
	}
	if len(listed.fragments) == 0 {
		return Footage{}, fmt.Errorf("stream %s, %s: %w", name, span, archive.ErrNoFootage)
	}
	by := l.options.Selector
	return Footage{
		Length: listed.rule.Recorded(listed.fragments),
		First:  listed.fragments[0].Time(by),
		Last:   listed.fragments[len(listed.fragments)-1].Time(by),
	}, nil
}
