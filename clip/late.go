package clip

import (
	"context"
	"fmt"
	"slices"
	"time"

	"clipfs/clip/archive"
)

const (
	// lookMargin is by how much two looks overlap. A fragment's server time is that of its first byte, and it is listed
	// only once it is persisted: up to 20 s of footage later, or as long as a slow producer takes to send that. Besides,
	// listings are eventually consistent, and clocks differ.
	lookMargin = 2 * time.Minute
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
	// tempo is how densely it was recorded where it was last asked for.
	tempo tempo
}

// notice learns of a stream what is on disk, when it is first met. A stream that was made anew under the name of another
// shares nothing with it.
func (t *timeline) notice(stream archive.Stream) {
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
func (t *timeline) lastLook(stream archive.Stream) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen[stream.Name].at
}

// began notes that something is remembered of a stream as of a time, if it is the first.
func (t *timeline) began(stream archive.Stream, asked time.Time) {
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

// trustedUntil tells how long an hour holds without being asked for, or looked after, again. By server time nothing
// comes late.
func (t *timeline) trustedUntil(stream archive.StreamName, b bucket) time.Time {
	if !b.settled {
		return b.expires
	}
	if t.by == archive.ByServer {
		return time.Now().Add(t.ttl)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if fresh := t.seen[stream].fresh; fresh.After(b.asked.Add(t.ttl)) {
		return fresh
	}
	return b.asked.Add(t.ttl)
}

// look lists what has been ingested since the last look, whatever its producer time, and forgets the remembered hours
// that lack any of it. It is shared by all who need one.
func (t *timeline) look(ctx context.Context, v view) error {
	_, err := t.looks.Do(ctx, v.stream.Name, func(ctx context.Context, progress func()) (struct{}, error) {
		since := t.lastLook(v.stream).Add(-lookMargin)
		asked := time.Now()
		span := archive.Span{Start: since.UTC().Truncate(archive.Grain), End: v.window.End} // which is beyond now if our clock is behind
		query := archive.FragmentQuery{Stream: v.stream.Name, Selector: archive.ByServer, Span: span.Intersect(v.window)}
		hours := make(map[bucketKey]bool)
		count := 0
		for f, err := range t.service.Fragments(ctx, query) {
			if err != nil {
				return struct{}{}, fmt.Errorf("look for late arrivals of %s: %w", v.stream.Name, err)
			}
			progress()
			if count++; count > maxLate {
				t.forgetStream(v.stream)
				return struct{}{}, nil
			}
			if k := keyOf(v.stream.Name, f.Time(t.by)); !hours[k] && t.lacks(v, k, f) {
				hours[k] = true
			}
		}
		keys := make([]bucketKey, 0, len(hours))
		for k := range hours {
			keys = append(keys, k)
		}
		t.forgetHours(v.stream, keys)
		t.lookedAt(v.stream, asked)
		return struct{}{}, nil
	})
	return err
}

// lacks reports whether the minute of a settled hour is remembered without a fragment that starts in it.
func (t *timeline) lacks(v view, key bucketKey, f archive.Fragment) bool {
	b, ok := t.held(v, key)
	if !ok || !b.settled || key.minutes(archive.NewSpan(f.Time(t.by), archive.Grain))&^b.known != 0 {
		return false // it will be asked for anyway
	}
	at, _ := slices.BinarySearchFunc(b.fragments, f.Time(t.by), t.compareTime)
	return at == len(b.fragments) || b.fragments[at].ID != f.ID
}

// lookedAt notes a look.
func (t *timeline) lookedAt(stream archive.Stream, asked time.Time) {
	t.mu.Lock()
	l := t.seen[stream.Name]
	l.at, l.fresh = asked, asked.Add(t.ttl)
	t.mu.Unlock()
	t.store.setLooked(stream, asked)
}

// forgetStream drops all that is remembered of a stream, in memory and on disk.
func (t *timeline) forgetStream(stream archive.Stream) {
	t.logger.Debug("too much has come since the last look, hours are asked for anew", "stream", stream.Name)
	t.store.forget(stream)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buckets.removeStream(stream.Name)
	before := t.seen[stream.Name]
	t.seen[stream.Name] = &looked{arn: stream.ARN, forgets: before.forgets + 1, tempo: before.tempo}
}
