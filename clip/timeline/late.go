package timeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"clipfs/clip/archive"
)

const (
	// lateMargin is by how much two calls of catchUp overlap. A fragment's server time is that of its first byte, and it is listed
	// only once it is persisted: up to 20 s of footage later, or as long as a slow producer takes to send that. Besides,
	// listings are eventually consistent, and clocks differ.
	lateMargin = 2 * time.Minute
	// maxLate is the most fragments that catchUp goes through: ten calls. If more have come, as after a mount was away for
	// half a day, it is cheaper to ask for hours again as they are wanted.
	maxLate = 10_000
)

// catchUp lists what has been ingested since it was last called, whatever its producer time, and forgets the remembered hours that lack any of it.
func (t *table) catchUp(ctx context.Context, v View) error {
	_, err := t.catches.Do(ctx, v.Stream.Name, func(ctx context.Context, progress func()) (struct{}, error) {
		rewinds := t.rewound(v.Stream)
		since := t.lastCaughtUp(v.Stream).Add(-lateMargin)
		asked := time.Now()
		span := archive.Span{Start: since.UTC().Truncate(archive.Grain), End: v.Window.End} // which is beyond now if our clock is behind
		query := archive.FragmentQuery{Stream: v.Stream.Name, Selector: archive.ByServer, Span: span.Intersect(v.Window)}
		hours := make(map[bucketKey]bool)
		count := 0
		for f, err := range t.service.Fragments(ctx, query) {
			if err != nil {
				return struct{}{}, fmt.Errorf("look for late arrivals of %s: %w", v.Stream.Name, err)
			}
			progress()
			if count++; count > maxLate {
				t.forgetStream(v.Stream)
				return struct{}{}, nil
			}
			if k := keyOf(v.Stream.Name, f.Time(t.by)); !hours[k] && t.lacks(v, k, f) {
				hours[k] = true
			}
		}
		t.forget(v.Stream, slices.Collect(maps.Keys(hours)))
		t.catchUpAt(v.Stream, asked, rewinds)
		return struct{}{}, nil
	})
	return err
}

// lacks reports whether the minute of a settled hour is remembered without a fragment that starts in it.
func (t *table) lacks(v View, key bucketKey, f archive.Fragment) bool {
	b, ok := t.stored(v, key, (*buckets).get)
	if !ok || !b.settled || key.minutes(archive.NewSpan(f.Time(t.by), archive.Grain))&^b.known != 0 {
		return false // it will be asked for anyway
	}
	all := b.fragments.Fragments()
	at := t.by.Before(all, f.Time(t.by))
	return at == len(all) || all[at].ID != f.ID
}

// known gives what is known of an hour and need not be asked for, by a way to look it up.
func (t *table) known(ctx context.Context, v View, key bucketKey, look lookBucket) (bucket, bool, error) {
	b, ok := t.stored(v, key, look)
	if !ok {
		return b, false, nil
	}
	if valid := time.Now().Before(t.validUntil(key.stream, b)); valid || !b.settled {
		return b, valid, nil
	}
	if err := t.catchUp(ctx, v); err != nil {
		return bucket{}, false, err
	}
	b, ok = t.stored(v, key, look)
	return b, ok && b.settled, nil
}
