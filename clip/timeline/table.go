package timeline

import (
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"clipfs/clip/archive"
	"clipfs/clip/singleflight"
	"clipfs/clip/timeline/packed"
	"clipfs/clip/timeline/tempo"
)

// maxProbes bounds how many answers to probes are remembered.
const maxProbes = 8192

// table is what is known of streams, by the hour: of each hour those minutes that were asked for.
//
// An hour of the past is settled: it is remembered, on disk too, and changes only when footage is uploaded late. That is
// looked for before settled hours are trusted (late.go). What is known of an hour at the live edge is valid for edgeTTL.
type table struct {
	service archive.Service
	store   *hourStore
	shares  shares
	logger  *slog.Logger
	by      archive.Selector
	ttl     time.Duration
	gap     time.Duration
	asks    *singleflight.Group[askKey, []Section]
	probing *singleflight.Group[probeKey, bool]
	catches *singleflight.Group[archive.StreamName, struct{}]

	// mu guards the rest.
	mu      sync.Mutex
	buckets *buckets
	probes  *simplelru.LRU[probeKey, probe]
	// seen has an entry for every stream that met was called for; that comes before all else.
	seen map[archive.StreamName]*seen
	// claimed has the spans of the calls that are under way, which do not overlap.
	claimed map[archive.StreamName][]archive.Span
}

// View is a stream and the span in which it can have footage now. Nothing outside is asked for.
type View struct {
	Stream archive.Stream
	Window archive.Span
}

// askKey names a listing.
type askKey struct {
	stream     archive.StreamName
	start, end int64 // seconds since 1970
}

// probeKey names a span of a stream.
type probeKey struct {
	stream     archive.StreamName
	start, end int64 // milliseconds since 1970
}

// probe is the answer that a span has footage, or that one at the live edge has none. That a span of the past has none
// is remembered as hours without fragments.
type probe struct {
	found      bool
	validUntil time.Time
}

// seen is what is known of a stream beside its hours.
type seen struct {
	arn string
	// caughtUp is when late arrivals were last looked for: settled hours have everything that was there then. It is zero
	// where nothing is remembered. validUntil is until when settled hours are trusted without looking again.
	caughtUp, validUntil time.Time
	// forgets counts how often hours were dropped: what was read from disk before that is not valid.
	forgets int
	// rewinds counts how often caughtUp was put back, and overrun is when more had come than is worth looking through: nothing that was
	// asked for before is taken from other hosts.
	rewinds int
	overrun time.Time
	// tempo is how densely it was recorded where it was last asked for.
	tempo tempo.Tempo
}

func newTable(service archive.Service, o Options) *table {
	t := &table{
		service: service, logger: o.Logger, by: o.Selector, ttl: o.TTL, gap: o.Gap,
		store:   newHourStore(o.Dir, o.Selector, o.Logger),
		shares:  newShares(o.Shared),
		asks:    singleflight.New[askKey, []Section](o.Timeout),
		probing: singleflight.New[probeKey, bool](o.Timeout),
		catches: singleflight.New[archive.StreamName, struct{}](o.Timeout),

		buckets: newBuckets(),
		seen:    make(map[archive.StreamName]*seen),
		claimed: make(map[archive.StreamName][]archive.Span),
	}
	var err error
	if t.probes, err = simplelru.NewLRU[probeKey, probe](maxProbes, nil); err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return t
}

// meet reads what is on disk about a stream that is met for the first time. A new stream under the name of a deleted one
// shares nothing with it.
func (t *table) meet(stream archive.Stream) {
	known := func() bool { return t.seen[stream.Name] != nil && t.seen[stream.Name].arn == stream.ARN }
	t.mu.Lock()
	met := known()
	t.mu.Unlock()
	if met {
		return
	}
	at := t.store.caughtUp(stream)
	t.mu.Lock()
	defer t.mu.Unlock()
	if known() {
		return
	}
	t.buckets.removeStream(stream.Name)
	t.seen[stream.Name] = &seen{arn: stream.ARN, caughtUp: at}
}

// lookBucket looks an hour up in memory: get or peek of buckets.
type lookBucket = func(*buckets, bucketKey) (bucket, bool)

// stored gives an hour from memory, or from disk if it is one of the past, valid or not.
func (t *table) stored(v View, key bucketKey, look lookBucket) (bucket, bool) {
	for {
		t.mu.Lock()
		b, ok := look(t.buckets, key)
		of, read := *t.seen[v.Stream.Name], t.buckets.read[key.day()]
		t.mu.Unlock()
		if ok || read || key.span().End.Add(EdgeAge).After(time.Now()) || of.caughtUp.IsZero() {
			return b, ok
		}
		if t.load(key, t.store.day(v.Stream, key.hour), of.forgets) {
			t.mu.Lock()
			defer t.mu.Unlock()
			return look(t.buckets, key)
		}
	}
}

// load puts hours from disk into memory, and reports whether it did: not where hours were forgotten since they were read.
func (t *table) load(key bucketKey, day map[int64]bucket, forgets int) (done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen[key.stream].forgets != forgets {
		return false
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
	return true
}

// began is called when something is remembered of a stream as of a time. The first such time is when it was caught up with.
func (t *table) began(stream archive.Stream, asked time.Time) {
	t.mu.Lock()
	first := t.seen[stream.Name].caughtUp.IsZero()
	if first {
		t.seen[stream.Name].caughtUp, t.seen[stream.Name].validUntil = asked, asked.Add(t.ttl)
	}
	t.mu.Unlock()
	if first {
		t.store.setCaughtUp(stream, asked)
	}
}

// lastCaughtUp is when late arrivals of a stream were last looked for.
func (t *table) lastCaughtUp(stream archive.Stream) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen[stream.Name].caughtUp
}

// rewound tells how often it was put back when late arrivals of a stream were last looked for.
func (t *table) rewound(stream archive.Stream) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen[stream.Name].rewinds
}

// catchUpAt keeps when late arrivals of a stream were looked for, on disk too, unless hours that were asked for before came meanwhile.
func (t *table) catchUpAt(stream archive.Stream, asked time.Time, rewinds int) {
	t.mu.Lock()
	of := t.seen[stream.Name]
	if of.rewinds != rewinds {
		t.mu.Unlock()
		return
	}
	of.caughtUp, of.validUntil = asked, asked.Add(t.ttl)
	t.mu.Unlock()
	t.store.setCaughtUp(stream, asked)
}

// validFor is how long an answer about a span is valid that is not settled.
func (t *table) validFor(span archive.Span, asked time.Time) time.Duration {
	if span.End.Add(EdgeAge).After(asked) {
		return min(edgeTTL, t.ttl)
	}
	return t.ttl
}

// validUntil is until when an hour need not be asked for, or looked after, again. By server time nothing comes late.
func (t *table) validUntil(stream archive.StreamName, b bucket) time.Time {
	if !b.settled {
		return b.validUntil
	}
	if t.by == archive.ByServer {
		return time.Now().Add(t.ttl)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if until := t.seen[stream].validUntil; until.After(b.asked.Add(t.ttl)) {
		return until
	}
	return b.asked.Add(t.ttl)
}

// recall gives what is known of a span, if all of it is known and valid.
func (t *table) recall(v View, span archive.Span, now time.Time) (sections []Section, ok bool) {
	for _, key := range hoursOf(v.Stream.Name, span) {
		b, ok := t.stored(v, key, (*buckets).peek)
		if !ok || key.minutes(span)&^b.known != 0 || !now.Before(t.validUntil(v.Stream.Name, b)) {
			return nil, false
		}
		sections = append(sections, t.section(v, b, span.Intersect(key.span())))
	}
	return sections, true
}

// bucketOf gives what fragments, which are those of the minutes of a span, tell of an hour.
func (t *table) bucketOf(v View, key bucketKey, span archive.Span, fragments []archive.Fragment, asked time.Time) bucket {
	b := bucket{fragments: packed.Of(t.by.Within(fragments, key.span())), known: key.minutes(span), asked: asked}
	// An hour that the window cuts at its start loses fragments; it is not worth keeping.
	b.settled = !key.span().End.Add(EdgeAge).After(asked) && !key.span().Start.Before(v.Window.Start)
	if !b.settled {
		b.validUntil = asked.Add(t.validFor(key.span(), asked))
		return b
	}
	b.fragments = b.fragments.Packed()
	return b
}

// keep remembers an hour beside what is known of its other minutes.
func (t *table) keep(v View, key bucketKey, b bucket) {
	t.mu.Lock()
	if before, ok := t.buckets.peek(key); ok {
		b = before.with(b, t.by)
	}
	if b.settled {
		b.fragments = b.fragments.Packed()
	}
	t.buckets.put(key, b)
	t.mu.Unlock()
	if b.settled {
		t.began(v.Stream, b.asked)
		t.store.put(v.Stream, b.record(key.hour))
		t.offer(v, key, b)
	}
}

// forget drops hours, on disk first, so that they are not found again there.
func (t *table) forget(stream archive.Stream, keys []bucketKey) {
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
		t.shares.distrusted.Add(k, time.Now())
	}
}

// forgetStream drops all that is remembered of a stream, in memory and on disk.
func (t *table) forgetStream(stream archive.Stream) {
	t.logger.Debug("too much has come since the last look, hours are asked for anew", "stream", stream.Name)
	t.store.forget(stream)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buckets.removeStream(stream.Name)
	before := t.seen[stream.Name]
	t.seen[stream.Name] = &seen{arn: stream.ARN, forgets: before.forgets + 1, rewinds: before.rewinds + 1, overrun: time.Now(), tempo: before.tempo}
}
