package clip

import (
	"context"
	"fmt"
	"time"
)

// latestEntry is the newest footage of a stream and until when that is believed.
type latestEntry struct {
	start   time.Time
	expires time.Time
}

// Latest gives the start of the newest fragment of a stream; ErrNoFootage if it has none.
func (l *Library) Latest(ctx context.Context, name StreamName) (time.Time, error) {
	if e, ok := l.latest.Get(name); ok && time.Now().Before(e.expires) {
		return e.start, nil
	}
	return l.newest.do(ctx, name, func(ctx context.Context, _ func()) (time.Time, error) {
		window, err := l.window(ctx, name)
		if err != nil {
			return time.Time{}, err
		}
		start, err := l.findNewest(ctx, name, window)
		if err != nil {
			return time.Time{}, err
		}
		l.latest.Add(name, latestEntry{start: start, expires: time.Now().Add(edgeTTL)})
		return start, nil
	})
}

// findNewest lists the last hour of a window, and the one it began in, first, as a camera that records has its newest
// footage there. If they are empty it looks further back in spans that double, then halves the span with footage, each
// with a call that asks for one fragment. Spans begin on the hour, so that answers are found again.
func (l *Library) findNewest(ctx context.Context, name StreamName, window Span) (time.Time, error) {
	upper := window.End.Add(-bucketLength).Truncate(bucketLength)
	newest, err := l.lastIn(ctx, name, Span{Start: upper, End: window.End}, window)
	if err != nil || !newest.IsZero() {
		return newest, err
	}
	for length := 2 * bucketLength; upper.After(window.Start); length *= 2 {
		span := Span{Start: upper.Add(-length), End: upper}
		found, err := l.timeline.recorded(ctx, name, span.Intersect(window))
		if err != nil {
			return time.Time{}, err
		}
		if found {
			return l.narrow(ctx, name, span, window)
		}
		upper = span.Start
	}
	return time.Time{}, fmt.Errorf("stream %s: %w", name, ErrNoFootage)
}

// narrow gives the start of the last fragment in a span of whole hours that is known to have one.
func (l *Library) narrow(ctx context.Context, name StreamName, span, window Span) (time.Time, error) {
	for span.Length() > bucketLength {
		upper := Span{Start: span.Start.Add(span.Length() / 2).Truncate(bucketLength), End: span.End}
		found, err := l.timeline.recorded(ctx, name, upper.Intersect(window))
		if err != nil {
			return time.Time{}, err
		}
		if found {
			span = upper
		} else {
			span.End = upper.Start
		}
	}
	newest, err := l.lastIn(ctx, name, span, window)
	if err == nil && newest.IsZero() {
		err = fmt.Errorf("stream %s: %w", name, ErrNoFootage) // it left retention meanwhile
	}
	return newest, err
}

// lastIn gives the start of the last fragment in a span, the zero time if there is none.
func (l *Library) lastIn(ctx context.Context, name StreamName, span, window Span) (time.Time, error) {
	listed, err := l.timeline.list(ctx, name, span.Intersect(window), window)
	if err != nil || len(listed.fragments) == 0 {
		return time.Time{}, err
	}
	return listed.fragments[len(listed.fragments)-1].Time(l.options.Selector), nil
}

// Hours gives the starts of the hours with footage among the last 24 up to the newest footage of a stream, ascending,
// as clocks in the grammar's location count hours. ErrNoFootage if there is none at all.
func (l *Library) Hours(ctx context.Context, name StreamName) ([]time.Time, error) {
	newest, err := l.Latest(ctx, name)
	if err != nil {
		return nil, err
	}
	window, err := l.window(ctx, name)
	if err != nil {
		return nil, err
	}
	const count = 24
	grammar := l.options.Grammar
	hours := make([]time.Time, count)
	next := newest.Add(Grain)
	spans := make([]Span, count)
	for i := count - 1; i >= 0; i-- {
		// The hour that holds the instant before the one that follows it.
		hour, err := grammar.ParseStart(grammar.FormatStart(next.Add(-Grain), Hour))
		if err != nil {
			return nil, fmt.Errorf("hour of %s: %w", next, err)
		}
		hours[i] = hour.Time
		spans[i] = Span{Start: hour.Time, End: next}.Intersect(window)
		next = hour.Time
	}
	found := make([]bool, count)
	found[count-1] = true
	err = parallel(ctx, probesAtOnce, count-1, func(ctx context.Context, i int) (err error) {
		if !spans[i].Empty() {
			found[i], err = l.timeline.recorded(ctx, name, spans[i])
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	recorded := hours[:0]
	for i, hour := range hours {
		if found[i] {
			recorded = append(recorded, hour)
		}
	}
	return recorded, nil
}

// probesAtOnce bounds the probes of one call that run at the same time.
const probesAtOnce = 8

// Lengths gives those of ListedLengths whose clip from a start has footage and can be opened.
func (l *Library) Lengths(ctx context.Context, name StreamName, start Start) ([]time.Duration, error) {
	window, err := l.window(ctx, name)
	if err != nil {
		return nil, err
	}
	all := ListedLengths()
	span := NewSpan(start.Time, all[len(all)-1]).Intersect(window)
	if span.Empty() {
		return nil, nil
	}
	listed, err := l.timeline.list(ctx, name, span, window)
	if err != nil {
		return nil, err
	}
	var lengths []time.Duration
	for _, length := range all {
		end := start.Time.Add(length)
		n := 0
		for n < len(listed.fragments) && listed.fragments[n].Time(l.options.Selector).Before(end) {
			n++
		}
		if n > 0 && len(plan(listed.fragments[:n], listed.rule)) == 1 {
			lengths = append(lengths, length)
		}
	}
	return lengths, nil
}
