package clip

import (
	"context"
	"fmt"
	"time"
)

const (
	// lookMargin is by how much two looks overlap: listings are eventually consistent, and clocks differ.
	lookMargin = 10 * time.Second
	// maxLate is the most fragments that a look goes through: ten calls. If more have come since the last one, as
	// after a mount was away for half a day, it is cheaper to ask for hours again as they are wanted.
	maxLate = 10_000
)

// looked is what is known of the late arrivals of a stream.
type looked struct {
	arn string
	// at is when they were last looked for: settled hours have everything that was there then. Zero where nothing is
	// remembered that a look would be for.
	at time.Time
	// fresh is until when the last look is believed.
	fresh time.Time
	// forgets counts how often hours were dropped: what was read from disk before is not to be believed after.
	forgets int
}

// notice learns of a stream what is on disk, when it is first met. A stream that was made anew under the name of another
// shares nothing with it.
func (t *timeline) notice(stream Stream) {
	known := func() bool { return t.seen[stream.Name] != nil && t.seen[stream.Name].arn == stream.ARN }
	t.mu.Lock()
	met := known()
	t.mu.Unlock()
	if met {
		return
	}
	at := t.store.looked(stream)
	t.mu.Lock()
	defer t.mu.Unlock()
	if known() {
		return
	}
	t.buckets.removeStream(stream.Name)
	t.seen[stream.Name] = &looked{arn: stream.ARN, at: at}
}

// lastLook tells when late arrivals of a stream were last looked for.
func (t *timeline) lastLook(stream Stream) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen[stream.Name].at
}

// began notes that something is remembered of a stream as of a time, if it is the first.
func (t *timeline) began(stream Stream, asked time.Time) {
	t.mu.Lock()
	l := t.seen[stream.Name]
	first := l.at.IsZero()
	if first {
		l.at, l.fresh = asked, asked.Add(t.ttl)
	}
	t.mu.Unlock()
	if first {
		t.store.setLooked(stream, asked)
	}
}

// trusted reports whether a settled hour holds without another look. By server time nothing comes late.
func (t *timeline) trusted(v view, b bucket) bool {
	if t.by == ByServer {
		return true
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	return now.Before(t.seen[v.stream.Name].fresh) || now.Before(b.asked.Add(t.ttl))
}

// look lists what has been ingested since the last look, whatever its producer time, and forgets the hours that it
// falls into. It is shared by all who need one.
func (t *timeline) look(ctx context.Context, v view) error {
	_, err := t.looks.do(ctx, v.stream.Name, func(ctx context.Context, progress func()) (struct{}, error) {
		since := t.lastLook(v.stream).Add(-lookMargin)
		asked := time.Now()
		span := Span{Start: since.UTC().Truncate(Grain), End: asked.UTC().Truncate(Grain)}
		query := FragmentQuery{Stream: v.stream.Name, Selector: ByServer, Span: span.Intersect(v.window)}
		hours := make(map[bucketKey]bool)
		count := 0
		for f, err := range t.archive.Fragments(ctx, query) {
			if err != nil {
				return struct{}{}, fmt.Errorf("look for late arrivals of %s: %w", v.stream.Name, err)
			}
			progress()
			if count++; count > maxLate {
				t.forgetStream(v.stream)
				return struct{}{}, nil
			}
			hours[keyOf(v.stream.Name, f.Time(t.by))] = true
		}
		keys := make([]bucketKey, 0, len(hours))
		for k := range hours {
			keys = append(keys, k)
		}
		t.lookedAt(v.stream, asked, keys)
		return struct{}{}, nil
	})
	return err
}

// lookedAt notes a look and drops the hours that it found changed, if they were asked for before it.
func (t *timeline) lookedAt(stream Stream, asked time.Time, changed []bucketKey) {
	var stale []bucketKey
	t.mu.Lock()
	for _, k := range changed {
		if b, ok := t.buckets.get(k); !ok || b.asked.Before(asked) {
			stale = append(stale, k)
		}
	}
	t.mu.Unlock()
	t.forgetHours(stream, stale)
	t.mu.Lock()
	l := t.seen[stream.Name]
	l.at, l.fresh = asked, asked.Add(t.ttl)
	t.mu.Unlock()
	t.store.setLooked(stream, asked)
}

// forgetStream drops all that is remembered of a stream, in memory and on disk.
func (t *timeline) forgetStream(stream Stream) {
	t.logger.Debug("too much has come since the last look, hours are asked for anew", "stream", stream.Name)
	t.store.forget(stream)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buckets.removeStream(stream.Name)
	t.seen[stream.Name] = &looked{arn: stream.ARN, forgets: t.seen[stream.Name].forgets + 1}
}
