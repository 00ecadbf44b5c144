package clip

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// How the timeline remembers. An hour holds up to 3,600 fragments of 1 s; with 128 hours that is a bound of some
// 90 MB that only an archive of such fragments, read all over, comes near.
const (
	bucketLength   = time.Hour
	maxBuckets     = 128
	maxProbes      = 8192
	maxBucketItems = 200_000
	// edgeAge is how long after its end an hour still counts as the live edge: what is persisted shows up in listings
	// within a second as a rule, and producers may be late by more.
	edgeAge = time.Minute
	// edgeTTL is how long an answer about the live edge holds.
	edgeTTL = 2 * time.Second
	// hoursAtOnce bounds the listings of one call that run at the same time.
	hoursAtOnce = 4
)

// timeline is what streams have recorded: fragments in buckets of an hour, listed when they are first asked for.
type timeline struct {
	archive Archive
	by      Selector
	ttl     time.Duration
	fills   *flight[bucketKey, bucket]
	asks    *flight[probeKey, bool]

	// mu guards buckets and probes.
	mu      sync.Mutex
	buckets *simplelru.LRU[bucketKey, bucket]
	probes  *simplelru.LRU[probeKey, probe]
}

// bucketKey names an hour of a stream.
type bucketKey struct {
	stream StreamName
	hour   int64 // seconds since 1970, whole hours
}

// bucket is one hour of a stream, immutable.
type bucket struct {
	fragments []Fragment // by time, each once
	expires   time.Time
}

// probeKey names a span of a stream.
type probeKey struct {
	stream     StreamName
	start, end int64 // milliseconds since 1970
}

// probe is the answer whether a span has footage.
type probe struct {
	found   bool
	expires time.Time
}

// newTimeline gives an empty timeline. Answers about the past hold for ttl; a call may go without progress for as long as timeout.
func newTimeline(archive Archive, by Selector, ttl, timeout time.Duration) *timeline {
	t := &timeline{
		archive: archive, by: by, ttl: ttl,
		fills: newFlight[bucketKey, bucket](timeout),
		asks:  newFlight[probeKey, bool](timeout),
	}
	var err error
	if t.buckets, err = simplelru.NewLRU[bucketKey, bucket](maxBuckets, nil); err != nil {
		panic(err) // only a size that is not positive is an error
	}
	if t.probes, err = simplelru.NewLRU[probeKey, probe](maxProbes, nil); err != nil {
		panic(err)
	}
	return t
}

// listing is what a timeline tells of a span.
type listing struct {
	// fragments that start in the span, by time, each once.
	fragments []Fragment
	// rule learned from the whole hours that the span touches.
	rule gapRule
	// expires is when the first of the answers it rests on ends to hold.
	expires time.Time
}

// list gives the fragments that start in a span. Nothing outside window is asked for: the service refuses it.
func (t *timeline) list(ctx context.Context, stream StreamName, span, window Span) (listing, error) {
	var hours []int64
	for h := span.Start.Truncate(bucketLength); h.Before(span.End); h = h.Add(bucketLength) {
		hours = append(hours, h.Unix())
	}
	buckets := make([]bucket, len(hours))
	err := parallel(ctx, hoursAtOnce, len(hours), func(ctx context.Context, i int) (err error) {
		buckets[i], err = t.bucket(ctx, bucketKey{stream, hours[i]}, window)
		return err
	})
	if err != nil {
		return listing{}, err
	}
	l := listing{expires: time.Now().Add(t.ttl)}
	var whole []Fragment
	for _, b := range buckets {
		whole = append(whole, b.fragments...)
		if b.expires.Before(l.expires) {
			l.expires = b.expires
		}
	}
	l.rule = newGapRule(whole, t.by, DefaultGap)
	from, _ := slices.BinarySearchFunc(whole, span.Start, t.compareTime)
	to, _ := slices.BinarySearchFunc(whole, span.End, t.compareTime)
	l.fragments = whole[from:to:to]
	return l, nil
}

// compareTime orders a fragment against an instant.
func (t *timeline) compareTime(f Fragment, at time.Time) int { return f.Time(t.by).Compare(at) }

// bucket gives one hour, from memory or from the archive.
func (t *timeline) bucket(ctx context.Context, key bucketKey, window Span) (bucket, error) {
	if b, ok := t.known(key); ok {
		return b, nil
	}
	return t.fills.do(ctx, key, func(ctx context.Context, progress func()) (bucket, error) {
		start := time.Unix(key.hour, 0).UTC()
		span := Span{Start: start, End: start.Add(bucketLength)}
		asked := time.Now()
		fragments, err := t.ask(ctx, key.stream, span.Intersect(window), progress)
		if err != nil {
			return bucket{}, err
		}
		b := bucket{fragments: fragments, expires: t.holds(span, asked)}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.buckets.Add(key, b)
		return b, nil
	})
}

// known gives an hour from memory if what is remembered still holds.
func (t *timeline) known(key bucketKey) (bucket, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b, ok := t.buckets.Get(key)
	return b, ok && time.Now().Before(b.expires)
}

// holds tells until when an answer about a span, asked for at a time, is believed.
func (t *timeline) holds(span Span, asked time.Time) time.Time {
	if span.End.Add(edgeAge).After(asked) {
		return asked.Add(min(edgeTTL, t.ttl))
	}
	return asked.Add(t.ttl)
}

// forget drops what is remembered of a span, so that it is asked for again.
func (t *timeline) forget(stream StreamName, span Span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for h := span.Start.Truncate(bucketLength); h.Before(span.End); h = h.Add(bucketLength) {
		t.buckets.Remove(bucketKey{stream, h.Unix()})
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

// recorded tells whether any fragment starts in a span, with one call that asks for one fragment at most.
func (t *timeline) recorded(ctx context.Context, stream StreamName, span Span) (bool, error) {
	key := probeKey{stream, span.Start.UnixMilli(), span.End.UnixMilli()}
	t.mu.Lock()
	p, ok := t.probes.Get(key)
	t.mu.Unlock()
	if ok && time.Now().Before(p.expires) {
		return p.found, nil
	}
	return t.asks.do(ctx, key, func(ctx context.Context, _ func()) (bool, error) {
		asked := time.Now()
		found := false
		query := FragmentQuery{Stream: stream, Selector: t.by, Span: span, Limit: 1}
		for f, err := range t.archive.Fragments(ctx, query) {
			if err != nil {
				return false, fmt.Errorf("probe %s %s: %w", stream, span, err)
			}
			found = found || span.Contains(f.Time(t.by))
		}
		expires := t.holds(span, asked)
		if found {
			expires = asked.Add(t.ttl)
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.probes.Add(key, probe{found: found, expires: expires})
		return found, nil
	})
}
