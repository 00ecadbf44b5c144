package clip

import (
	"context"
	"fmt"
	"time"

	"clipfs/clip/archive"
)

// maxProbedHours is the longest span, in hours, of which a probe looks at and remembers single hours: a day and what
// time zones add. Longer spans, of which there are few, are asked for as they are.
const maxProbedHours = 49

// probeKey names a span of a stream.
type probeKey struct {
	stream     archive.StreamName
	start, end int64 // milliseconds since 1970
}

// probe is the answer that a span has footage, or that one at the live edge has none. That a span of the past has none
// is remembered as hours without fragments.
type probe struct {
	found   bool
	expires time.Time
}

// recorded tells whether any fragment starts in a span: from hours that are known, else with one call that asks for
// one fragment at most.
func (t *timeline) recorded(ctx context.Context, v view, span archive.Span) (bool, error) {
	span = span.Intersect(v.window)
	if span.Empty() {
		return false, nil
	}
	if found, certain, err := t.recordedHours(ctx, v, span); certain || err != nil {
		return found, err
	}
	key := probeKey{v.stream.Name, span.Start.UnixMilli(), span.End.UnixMilli()}
	if found, ok := t.probed(key); ok {
		return found, nil
	}
	return t.asks.Do(ctx, key, func(ctx context.Context, _ func()) (bool, error) {
		if found, ok := t.probed(key); ok {
			return found, nil // another call has ended in this moment
		}
		asked := time.Now()
		found := false
		query := archive.FragmentQuery{Stream: v.stream.Name, Selector: t.by, Span: span, Limit: 1}
		for f, err := range t.service.Fragments(ctx, query) {
			if err != nil {
				return false, fmt.Errorf("probe %s %s: %w", v.stream.Name, span, err)
			}
			found = found || span.Contains(f.Time(t.by))
		}
		t.remember(v, key, span, asked, found)
		return found, nil
	})
}

// probed gives the answer to a probe, if it still holds.
func (t *timeline) probed(key probeKey) (found, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, ok := t.probes.Get(key)
	return p.found, ok && time.Now().Before(p.expires)
}

// recordedHours answers from hours that are known: yes if one of them has a fragment in the span, no if all of the
// span is known and none has.
func (t *timeline) recordedHours(ctx context.Context, v view, span archive.Span) (found, certain bool, err error) {
	if span.Length() > maxProbedHours*bucketLength {
		return false, false, nil
	}
	certain = true
	for _, key := range hoursOf(v.stream.Name, span) {
		b, ok, err := t.known(ctx, v, key)
		if err != nil {
			return false, false, err
		}
		if !ok || key.minutes(span)&^b.known != 0 {
			certain = false
		}
		for _, f := range b.fragments {
			if span.Contains(f.Time(t.by)) {
				return true, true, nil
			}
		}
	}
	return false, certain, nil
}

// remember keeps the answer to a probe.
func (t *timeline) remember(v view, key probeKey, span archive.Span, asked time.Time, found bool) {
	p := probe{found: found, expires: asked.Add(t.ttl)}
	if !found {
		p.expires = asked.Add(t.holdsUnsettled(span, asked))
	}
	records := make(map[string][]hourRecord) // by file
	t.mu.Lock()
	t.probes.Add(key, p)
	var hours []bucketKey
	if !found && span.Length() <= maxProbedHours*bucketLength {
		hours = hoursOf(v.stream.Name, span)
	}
	for _, k := range hours {
		hour := k.span()
		whole := !hour.Start.Before(span.Start) && !hour.End.After(span.End)
		if whole && !hour.End.Add(edgeAge).After(asked) {
			b := bucket{asked: asked, settled: true, known: allMinutes}
			t.buckets.put(k, b)
			file := t.store.dayFile(v.stream, k.hour)
			records[file] = append(records[file], b.record(k.hour))
		}
	}
	t.mu.Unlock()
	if len(records) > 0 {
		t.began(v.stream, asked)
	}
	for _, day := range records {
		t.store.put(v.stream, day...)
	}
}
