package timeline

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"clipfs/clip/archive"
	"clipfs/clip/parallel"
	"clipfs/clip/timeline/packed"
)

// Hours of the past are shared with other hosts as they are kept on disk, with the time at which they were asked for. A host that takes
// one over looks for late arrivals since that time before it trusts it, as it does with hours of its own.

const (
	// clockMargin is by how much the clocks of two hosts may differ: the archive refuses requests of a clock that is off by more (AWS
	// General Reference, Signature Version 4: a request has to arrive within 15 minutes of its time stamp).
	clockMargin = 15 * time.Minute
	// maxSharedAge is how long ago an hour may have been asked for that is taken over: what has come since is listed.
	maxSharedAge = 3 * time.Hour
	// adoptAtOnce is how many hours are looked for at once.
	adoptAtOnce = 24
	// maxDistrusted is how many distrusted hours are remembered.
	maxDistrusted = 10_000
)

// shares is what the table shares with other hosts.
type shares struct {
	with Shared
	// distrusted has, for hours that this host knows to have changed, the time of the change. A listing from before that is not taken
	// over. table.mu guards it.
	distrusted *simplelru.LRU[bucketKey, time.Time]
}

func newShares(with Shared) shares {
	distrusted, err := simplelru.NewLRU[bucketKey, time.Time](maxDistrusted, nil)
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return shares{with, distrusted}
}

// adopt takes over hours of a span that are not known here and that other hosts have listed.
func (t *table) adopt(ctx context.Context, v View, span archive.Span) error {
	if t.shares.with == nil || v.Stream.ARN == "" {
		return nil
	}
	now := time.Now()
	var wanted []bucketKey
	for _, key := range hoursOf(v.Stream.Name, span) {
		b, ok := t.stored(v, key, (*buckets).peek)
		past := !key.span().End.Add(EdgeAge).After(now) && !key.span().Start.Before(v.Window.Start)
		if past && (!ok || key.minutes(span)&^b.known != 0) {
			wanted = append(wanted, key)
		}
	}
	return parallel.Each(ctx, adoptAtOnce, len(wanted), func(ctx context.Context, i int) error {
		hour := wanted[i].span().Start
		if b, ok := t.foreign(t.shares.with.Hour(ctx, v.Stream, t.by, hour), wanted[i], now); ok {
			t.takeOver(v, wanted[i], b)
		}
		return nil
	})
}

// foreign reads what another host wrote of an hour, if all of it can be believed.
func (t *table) foreign(text []byte, key bucketKey, now time.Time) (b bucket, ok bool) {
	hours := make(map[int64]bucket)
	if len(text) == 0 || readDay(bytes.NewReader(text), hours) != nil || len(hours) != 1 {
		return b, false
	}
	b, ok = hours[key.hour]
	if !ok || b.known != allMinutes || b.asked.Before(key.span().End.Add(EdgeAge)) || now.Sub(b.asked) > maxSharedAge {
		return b, false
	}
	if b.asked.After(now) {
		b.asked = now
	}
	b.asked = b.asked.Add(-clockMargin)
	listed := t.order(b.fragments.AppendTo(nil))
	within := t.by.Within(listed, key.span())
	ok = len(within) == b.fragments.Len()
	b.fragments = packed.Of(within).Packed()
	return b, ok
}

// takeOver remembers an hour of another host, unless this host knows better. Late arrivals since it was asked for are looked for before
// any settled hour is trusted.
func (t *table) takeOver(v View, key bucketKey, b bucket) {
	t.mu.Lock()
	of := t.seen[v.Stream.Name]
	since, distrusted := t.shares.distrusted.Get(key)
	before, known := t.buckets.peek(key)
	if distrusted && b.asked.Before(since) || b.asked.Before(of.overrun) || known && before.known == allMinutes {
		t.mu.Unlock()
		return
	}
	if !of.caughtUp.IsZero() && b.asked.Before(of.caughtUp) || of.caughtUp.IsZero() {
		of.caughtUp, of.validUntil = b.asked, time.Time{}
		of.rewinds++
	}
	caughtUp := of.caughtUp
	t.buckets.put(key, b)
	t.mu.Unlock()
	t.store.setCaughtUp(v.Stream, caughtUp)
	t.store.put(v.Stream, b.record(key.hour))
	t.logger.Debug("hour taken from the shared cache", "stream", v.Stream.Name, "hour", key.span().Start, "fragments", b.fragments.Len())
}

// offer has an hour that was asked for here put where other hosts find it, once all of it is known.
func (t *table) offer(v View, key bucketKey, b bucket) {
	if t.shares.with == nil || b.known != allMinutes || v.Stream.ARN == "" {
		return
	}
	text, err := t.store.members.Encode([]hourRecord{b.record(key.hour)})
	if err != nil {
		return // it stays with this host
	}
	ingested := key.span().Start
	if b.fragments.Len() > 0 {
		ingested = slices.MinFunc(b.fragments.Fragments(), func(a, b archive.Fragment) int { return a.Server.Compare(b.Server) }).Server
	}
	t.shares.with.OfferHour(v.Stream, t.by, key.span().Start, ingested, text)
}
