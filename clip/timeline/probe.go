package timeline

import (
	"context"
	"fmt"
	"time"

	"clipfs/clip/archive"
)

// probesAtOnce bounds the probes of one call that run at the same time.
const probesAtOnce = 8

// maxProbedHours is the longest span, in hours, that a probe takes hour by hour: a day and what time zones add. Longer spans
// are few, and are asked for as they are.
const maxProbedHours = 49

// recorded tells whether any fragment starts in a span: from hours that are known, else with one call that asks for one fragment at most.
func (t *table) recorded(ctx context.Context, v View, span archive.Span) (bool, error) {
	key := probeKey{v.Stream.Name, span.Start.UnixMilli(), span.End.UnixMilli()} // of all of it, as the window moves
	span = span.Intersect(v.Window)
	if span.Empty() {
		return false, nil
	}
	if found, certain, err := t.recordedHours(ctx, v, span); certain || err != nil {
		return found, err
	}
	if found, ok := t.probed(key); ok {
		return found, nil
	}
	return t.probing.Do(ctx, key, func(ctx context.Context, _ func()) (bool, error) {
		if found, ok := t.probed(key); ok {
			return found, nil // another call has ended in this moment
		}
		asked := time.Now()
		found := false
		query := archive.FragmentQuery{Stream: v.Stream.Name, Selector: t.by, Span: span, Limit: 1}
		for f, err := range t.service.Fragments(ctx, query) {
			if err != nil {
				return false, fmt.Errorf("probe %s %s: %w", v.Stream.Name, span, err)
			}
			found = found || span.Contains(f.Time(t.by))
		}
		t.remember(v, key, span, asked, found)
		return found, nil
	})
}

// probed gives the answer to a probe, and whether it is valid.
func (t *table) probed(key probeKey) (found, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, ok := t.probes.Get(key)
	return p.found, ok && time.Now().Before(p.validUntil)
}

// recordedHours answers from hours that are known: yes if one of them has a fragment in the span, no if all of the
// span is known and none has.
func (t *table) recordedHours(ctx context.Context, v View, span archive.Span) (found, certain bool, err error) {
	if span.Length() > maxProbedHours*bucketLength {
		return false, false, nil
	}
	certain = true
	for _, key := range hoursOf(v.Stream.Name, span) {
		look, whole := (*buckets).get, span.Covers(key.span())
		if whole {
			look = (*buckets).peek
		}
		b, ok, err := t.known(ctx, v, key, look)
		if err != nil {
			return false, false, err
		}
		if !ok || key.minutes(span)&^b.known != 0 {
			certain = false
		}
		if whole && b.fragments.Len() > 0 || !whole && len(t.by.Within(b.fragments.Fragments(), span)) > 0 {
			return true, true, nil
		}
	}
	return false, certain, nil
}

// remember keeps the answer to a probe.
func (t *table) remember(v View, key probeKey, span archive.Span, asked time.Time, found bool) {
	records := make(map[dayKey][]hourRecord)
	t.mu.Lock()
	t.probes.Add(key, t.probeOf(span, asked, found))
	var hours []bucketKey
	if !found && span.Length() <= maxProbedHours*bucketLength {
		hours = hoursOf(v.Stream.Name, span)
	}
	for _, k := range hours {
		hour := k.span()
		whole := !hour.Start.Before(span.Start) && !hour.End.After(span.End)
		if whole && !hour.End.Add(EdgeAge).After(asked) {
			b := bucket{asked: asked, settled: true, known: allMinutes}
			t.buckets.put(k, b)
			records[k.day()] = append(records[k.day()], b.record(k.hour))
		}
	}
	t.mu.Unlock()
	if len(records) > 0 {
		t.began(v.Stream, asked)
	}
	for _, day := range records {
		t.store.put(v.Stream, day...)
	}
}

// sample gives some fragments of a span by a clock, at most limit. complete says that there are no others.
func (t *table) sample(ctx context.Context, by archive.Selector, v View, span archive.Span, limit int) (some []archive.Fragment, complete bool, err error) {
	span = span.Intersect(v.Window)
	if span.Empty() {
		return nil, true, nil
	}
	count := 0
	for f, err := range t.service.Fragments(ctx, archive.FragmentQuery{Stream: v.Stream.Name, Selector: by, Span: span, Limit: limit}) {
		if err != nil {
			return nil, false, fmt.Errorf("probe %s %s: %w", v.Stream.Name, span, err)
		}
		count++
		if span.Contains(f.Time(by)) { // the selector's end is inclusive
			some = append(some, f)
		}
	}
	return some, count < limit, nil
}

// recordedDay tells whether a day has footage, as far as that is known.
func (t *table) recordedDay(ctx context.Context, v View, day archive.Span) (found, certain bool, err error) {
	if found, ok := t.probed(dayProbe(v, day)); ok {
		return found, true, nil
	}
	return t.recordedHours(ctx, v, day.Intersect(v.Window))
}

// rememberDay keeps whether a day has footage.
func (t *table) rememberDay(v View, day archive.Span, asked time.Time, found bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.probes.Add(dayProbe(v, day), t.probeOf(day, asked, found))
}

// probeOf is the answer that a span has footage or none.
func (t *table) probeOf(span archive.Span, asked time.Time, found bool) probe {
	if found {
		return probe{true, asked.Add(t.ttl)}
	}
	return probe{false, asked.Add(t.validFor(span, asked))}
}

// dayProbe names a day, as a whole even where it is not over.
func dayProbe(v View, day archive.Span) probeKey {
	return probeKey{v.Stream.Name, day.Start.UnixMilli(), day.End.UnixMilli()}
}
