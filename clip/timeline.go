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

	"clipfs/clip/archive"
	"clipfs/clip/singleflight"
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
)

// timeline is what streams have recorded: fragments in buckets of an hour, listed when they are first asked for, no more
// of an hour than its minutes that are wanted (asking.go).
//
// An hour of the past is settled: it is remembered, on disk too, and changes only when footage is uploaded late, which
// late.go looks for before settled hours are trusted. An hour at the live edge is believed for edgeTTL.
type timeline struct {
	service archive.Service
	store   *hourStore
	logger  *slog.Logger
	by      archive.Selector
	ttl     time.Duration
	gap     time.Duration
	calls   *singleflight.Group[askKey, answer]
	asks    *singleflight.Group[probeKey, bool]
	looks   *singleflight.Group[archive.StreamName, struct{}]

	// mu guards the rest.
	mu      sync.Mutex
	buckets *buckets
	probes  *simplelru.LRU[probeKey, probe]
	// seen has an entry for every stream that notice was called for, which comes before all else.
	seen map[archive.StreamName]*looked
	// claimed has the spans of the calls that are under way, which do not overlap.
	claimed map[archive.StreamName][]archive.Span
}

// view is a stream and the span in which it can have footage now. Nothing outside is asked for.
type view struct {
	stream archive.Stream
	window archive.Span
}

// newTimeline gives an empty timeline.
func newTimeline(service archive.Service, o Options) *timeline {
	t := &timeline{
		service: service, logger: o.Logger, by: o.Selector, ttl: o.MetadataTTL, gap: o.Gap,
		store: newHourStore(o.TimelineDir, o.Selector, o.Logger),
		calls: singleflight.New[askKey, answer](o.ReadTimeout),
		asks:  singleflight.New[probeKey, bool](o.ReadTimeout),
		looks: singleflight.New[archive.StreamName, struct{}](o.ReadTimeout),

		buckets: newBuckets(),
		seen:    make(map[archive.StreamName]*looked),
		claimed: make(map[archive.StreamName][]archive.Span),
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
	fragments []archive.Fragment
	// rule learned from those learnFrom of what the span touches that have most to learn from.
	rule archive.GapRule
	// expires is when the first of the answers it rests on ends to hold.
	expires time.Time
}

// list gives the fragments that start in a span.
func (t *timeline) list(ctx context.Context, v view, span archive.Span) (listing, error) {
	span = span.Intersect(v.window)
	l := listing{rule: archive.GapRule{Min: t.gap, By: t.by}, expires: time.Now().Add(t.ttl)}
	if span.Empty() {
		return l, nil
	}
	around := archive.Span{Start: span.Start.Truncate(archive.LearnFrom), End: span.End.Add(archive.LearnFrom - archive.Grain).Truncate(archive.LearnFrom)}
	sections, err := t.gather(ctx, v, around.Intersect(v.window))
	if err != nil {
		return listing{}, err
	}
	for i, s := range sections {
		if i == 0 {
			l.fragments = slices.Clip(s.fragments)
		} else {
			l.fragments = append(l.fragments, s.fragments...)
		}
		if s.until.Before(l.expires) {
			l.expires = s.until
		}
	}
	l.rule.LeftOut = archive.LearnLeftOut(l.fragments, t.by)
	l.fragments = slices.Clip(t.within(l.fragments, span))
	return l, nil
}

// within gives those of some fragments, in the order of their times, that start in a span.
func (t *timeline) within(fragments []archive.Fragment, span archive.Span) []archive.Fragment {
	from, _ := slices.BinarySearchFunc(fragments, span.Start, t.compareTime)
	to, _ := slices.BinarySearchFunc(fragments, span.End, t.compareTime)
	return fragments[from:max(from, to)]
}

// compareTime orders a fragment against an instant.
func (t *timeline) compareTime(f archive.Fragment, at time.Time) int { return f.Time(t.by).Compare(at) }

// known gives what is known of an hour and need not be asked for.
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
		seen, read := *t.seen[v.stream.Name], t.buckets.read[key.day()]
		t.mu.Unlock()
		if ok || read || key.span().End.Add(edgeAge).After(time.Now()) || seen.at.IsZero() {
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
	if len(t.buckets.read) >= maxReadDays {
		clear(t.buckets.read)
	}
	t.buckets.read[key.day()] = true
	b, ok = t.buckets.get(key)
	return b, ok, true
}

// holdsUnsettled tells how long an answer about a span is believed that is not settled.
func (t *timeline) holdsUnsettled(span archive.Span, asked time.Time) time.Duration {
	if span.End.Add(edgeAge).After(asked) {
		return min(edgeTTL, t.ttl)
	}
	return t.ttl
}

// forget drops what is remembered of a span, so that it is asked for again.
func (t *timeline) forget(stream archive.Stream, span archive.Span) {
	t.forgetHours(stream, hoursOf(stream.Name, span))
}

// forgetHours drops hours, on disk first, so that they are not found again there.
func (t *timeline) forgetHours(stream archive.Stream, keys []bucketKey) {
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
func (t *timeline) ask(ctx context.Context, stream archive.StreamName, span archive.Span, progress func()) ([]archive.Fragment, error) {
	if span.Empty() {
		return nil, nil
	}
	var fragments []archive.Fragment
	for f, err := range t.service.Fragments(ctx, archive.FragmentQuery{Stream: stream, Selector: t.by, Span: span}) {
		if err != nil {
			return nil, fmt.Errorf("list %s %s: %w", stream, span, err)
		}
		progress()
		if !span.Contains(f.Time(t.by)) {
			continue // the selector's end is inclusive
		}
		if len(fragments) == maxBucketItems {
			return nil, fmt.Errorf("list %s %s: more than %d fragments: %w", stream, span, maxBucketItems, archive.ErrTooBig)
		}
		fragments = append(fragments, f)
	}
	return t.order(fragments), nil
}

// order sorts fragments by time and drops repetitions. The service lists in no order, a fragment may come twice when
// pages shift, and of footage ingested twice under one producer time GetClip gives only the oldest.
func (t *timeline) order(fragments []archive.Fragment) []archive.Fragment {
	slices.SortFunc(fragments, func(a, b archive.Fragment) int {
		return cmp.Or(a.Time(t.by).Compare(b.Time(t.by)), cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	return slices.CompactFunc(fragments, func(a, b archive.Fragment) bool {
		return a.ID == b.ID || (t.by == archive.ByProducer && a.Producer.Equal(b.Producer))
	})
}
