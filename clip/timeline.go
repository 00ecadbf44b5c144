package clip

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	bucketLength = time.Hour
	maxProbes    = 8192
	// maxBucketItems bounds what is believed of one hour: 3,600 fragments of 1 s, and many times that.
	maxBucketItems = 100_000
	// edgeAge is how long after its end an hour still counts as the live edge: what is persisted shows up in listings
	// within a second as a rule, and producers may be late by more.
	edgeAge = time.Minute
	// edgeTTL is how long an answer about the live edge holds.
	edgeTTL = 2 * time.Second
	// hoursAtOnce bounds the listings of one call that run at the same time.
	hoursAtOnce = 4
)

// timeline is what streams have recorded: fragments in buckets of an hour, listed when they are first asked for.
//
// An hour of the past is settled: it is remembered, on disk too, and changes only when footage is uploaded late, which
// late.go looks for before settled hours are trusted. An hour at the live edge is believed for edgeTTL.
type timeline struct {
	archive Archive
	store   *hourStore
	logger  *slog.Logger
	by      Selector
	ttl     time.Duration
	gap     time.Duration
	fills   *flight[bucketKey, bucket]
	asks    *flight[probeKey, bool]
	looks   *flight[StreamName, struct{}]

	// mu guards the rest.
	mu      sync.Mutex
	buckets *buckets
	probes  *simplelru.LRU[probeKey, probe]
	// seen has an entry for every stream that notice was called for, which comes before all else.
	seen map[StreamName]*looked
}

// view is a stream and the span in which it can have footage now. Nothing outside is asked for.
type view struct {
	stream Stream
	window Span
}

// newTimeline gives an empty timeline.
func newTimeline(archive Archive, o Options) *timeline {
	t := &timeline{
		archive: archive, logger: o.Logger, by: o.Selector, ttl: o.MetadataTTL, gap: o.Gap,
		store: newHourStore(o.TimelineDir, o.Selector, o.Logger),
		fills: newFlight[bucketKey, bucket](o.ReadTimeout),
		asks:  newFlight[probeKey, bool](o.ReadTimeout),
		looks: newFlight[StreamName, struct{}](o.ReadTimeout),

		buckets: newBuckets(),
		seen:    make(map[StreamName]*looked),
	}
	var err error
	if t.probes, err = simplelru.NewLRU[probeKey, probe](maxProbes, nil); err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return t
}

// listing is what a timeline tells of a span.
type listing struct {
	// fragments that start in the span, by time, each once.
	fragments []Fragment
	// rule learned from that hour of those the span touches which has most to learn from.
	rule gapRule
	// expires is when the first of the answers it rests on ends to hold.
	expires time.Time
}

// list gives the fragments that start in a span.
func (t *timeline) list(ctx context.Context, v view, span Span) (listing, error) {
	span = span.Intersect(v.window)
	keys := hoursOf(v.stream.Name, span)
	hours := make([]bucket, len(keys))
	err := parallel(ctx, hoursAtOnce, len(keys), func(ctx context.Context, i int) (err error) {
		hours[i], err = t.bucket(ctx, v, keys[i])
		return err
	})
	if err != nil {
		return listing{}, err
	}
	l := listing{rule: gapRule{min: t.gap, by: t.by}, expires: time.Now().Add(t.ttl)}
	most := 0
	for i, b := range hours {
		from, _ := slices.BinarySearchFunc(b.fragments, span.Start, t.compareTime)
		to, _ := slices.BinarySearchFunc(b.fragments, span.End, t.compareTime)
		if some := b.fragments[from:max(from, to):max(from, to)]; i == 0 {
			l.fragments = some
		} else {
			l.fragments = append(l.fragments, some...)
		}
		if b.spacing.samples > most {
			most, l.rule.leftOut = b.spacing.samples, b.spacing.leftOut
		}
		if until := t.trustedUntil(v.stream.Name, b); until.Before(l.expires) {
			l.expires = until
		}
	}
	return l, nil
}

// hoursOf gives the keys of the hours that a span touches.
func hoursOf(stream StreamName, span Span) []bucketKey {
	var keys []bucketKey
	for h := span.Start.Truncate(bucketLength); h.Before(span.End); h = h.Add(bucketLength) {
		keys = append(keys, keyOf(stream, h))
	}
	return keys
}

// compareTime orders a fragment against an instant.
func (t *timeline) compareTime(f Fragment, at time.Time) int { return f.Time(t.by).Compare(at) }

// bucket gives one hour, from memory, from disk or from the archive.
func (t *timeline) bucket(ctx context.Context, v view, key bucketKey) (bucket, error) {
	if b, ok, err := t.known(ctx, v, key); ok || err != nil {
		return b, err
	}
	return t.fills.do(ctx, key, func(ctx context.Context, progress func()) (bucket, error) {
		return t.fill(ctx, v, key, progress)
	})
}

// known gives an hour that need not be asked for.
func (t *timeline) known(ctx context.Context, v view, key bucketKey) (bucket, bool, error) {
	b, ok := t.held(v, key)
	if !ok {
		return b, false, nil
	}
	if fresh := time.Now().Before(t.trustedUntil(key.stream, b)); fresh || !b.settled {
		return b, fresh, nil
	}
	if err := t.look(ctx, v); err != nil {
		return bucket{}, false, err
	}
	b, ok = t.held(v, key)
	return b, ok && b.settled, nil
}

// held gives an hour from memory, or from disk if it is one of the past. Whether it still holds is another matter.
func (t *timeline) held(v view, key bucketKey) (bucket, bool) {
	for {
		t.mu.Lock()
		b, ok := t.buckets.get(key)
		seen := *t.seen[v.stream.Name]
		t.mu.Unlock()
		if ok || key.span().End.Add(edgeAge).After(time.Now()) || seen.at.IsZero() {
			return b, ok
		}
		if b, ok, done := t.load(key, t.store.day(v.stream, key.hour), seen.forgets); done {
			return b, ok
		}
	}
}

// load puts hours from disk into memory, unless hours were forgotten since they were read, and gives one of them.
func (t *timeline) load(key bucketKey, day map[int64]bucket, forgets int) (b bucket, ok, done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen[key.stream].forgets != forgets {
		return bucket{}, false, false
	}
	for hour, b := range day {
		if k := (bucketKey{key.stream, hour}); !t.buckets.lru.Contains(k) {
			t.buckets.put(k, b)
		}
	}
	b, ok = t.buckets.get(key)
	return b, ok, true
}

// fill asks the archive for an hour and remembers the answer.
func (t *timeline) fill(ctx context.Context, v view, key bucketKey, progress func()) (bucket, error) {
	asked := time.Now()
	if b, ok := t.held(v, key); ok && asked.Before(t.trustedUntil(key.stream, b)) {
		return b, nil // another call has ended in this moment
	}
	fragments, err := t.ask(ctx, v.stream.Name, key.span().Intersect(v.window), progress)
	if err != nil {
		return bucket{}, err
	}
	b := bucket{fragments: fragments, spacing: newSpacing(fragments, t.by), asked: asked}
	// An hour that the window cuts at its start loses fragments; it is not worth keeping.
	b.settled = !key.span().End.Add(edgeAge).After(asked) && !key.span().Start.Before(v.window.Start)
	if !b.settled {
		b.expires = asked.Add(t.holdsUnsettled(key.span(), asked))
	}
	t.mu.Lock()
	t.buckets.put(key, b)
	t.mu.Unlock()
	if b.settled {
		t.began(v.stream, asked)
		t.store.put(v.stream, b.record(key.hour))
	}
	return b, nil
}

// holdsUnsettled tells how long an answer about a span is believed that is not settled.
func (t *timeline) holdsUnsettled(span Span, asked time.Time) time.Duration {
	if span.End.Add(edgeAge).After(asked) {
		return min(edgeTTL, t.ttl)
	}
	return t.ttl
}

// forget drops what is remembered of a span, so that it is asked for again.
func (t *timeline) forget(stream Stream, span Span) {
	t.forgetHours(stream, hoursOf(stream.Name, span))
}

// forgetHours drops hours, on disk first, so that they are not found again there.
func (t *timeline) forgetHours(stream Stream, keys []bucketKey) {
	if len(keys) == 0 {
		return
	}
	for _, k := range keys {
		t.store.put(stream, hourRecord{Hour: k.hour, Forgotten: true})
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen[stream.Name].forgets++
	for _, k := range keys {
		t.buckets.remove(k)
	}
}

// ask lists a span from the archive: sorted by time, each fragment once.
func (t *timeline) ask(ctx context.Context, stream StreamName, span Span, progress func()) ([]Fragment, error) {
	if span.Empty() {
		return nil, nil
	}
	var fragments []Fragment
	for f, err := range t.archive.Fragments(ctx, FragmentQuery{Stream: stream, Selector: t.by, Span: span}) {
		if err != nil {
			return nil, fmt.Errorf("list %s %s: %w", stream, span, err)
		}
		progress()
		if !span.Contains(f.Time(t.by)) {
			continue // the selector's end is inclusive
		}
		if len(fragments) == maxBucketItems {
			return nil, fmt.Errorf("list %s %s: more than %d fragments: %w", stream, span, maxBucketItems, ErrTooBig)
		}
		fragments = append(fragments, f)
	}
	return t.order(fragments), nil
}

// order sorts fragments by time and drops repetitions. The service lists in no order, a fragment may come twice when
// pages shift, and of footage ingested twice under one producer time GetClip gives only the oldest.
func (t *timeline) order(fragments []Fragment) []Fragment {
	slices.SortFunc(fragments, func(a, b Fragment) int {
		return cmp.Or(a.Time(t.by).Compare(b.Time(t.by)), cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	return slices.CompactFunc(fragments, func(a, b Fragment) bool {
		return a.ID == b.ID || (t.by == ByProducer && a.Producer.Equal(b.Producer))
	})
}
