package kvs

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"clipfs/clip"
)

// Points are quota points per second, for each stream, that calls keep to. A field that is 0 has its default: what the
// service allows (developer guide, "Amazon Kinesis Video Streams quotas"). All who read a stream share its quotas, so
// whoever wants to leave some to others sets less.
type Points struct {
	// Media is for GetClip, which costs a point a fragment; default 500.
	Media float64
	// Metadata is for ListFragments, which costs its MaxResults, and for GetClip, a point a fragment; default 10,000.
	Metadata float64
	// Calls is for DescribeStream and GetDataEndpoint, each on its own, a point a call; default 5.
	Calls float64
}

// The quotas of the service, in points per second.
const (
	defaultMedia    = 500
	defaultMetadata = 10000
	defaultCalls    = 5
	// listStreamsRate is for ListStreams, and for the whole account.
	listStreamsRate = 50
)

const (
	// slowest is the share of a quota that a bucket never falls below. Old accounts are limited by calls, a few a
	// second, and retries do the rest.
	slowest = 1.0 / 64
	// slowGrace is how long a bucket takes further refusals for part of the one that slowed it: they were under way.
	slowGrace = 500 * time.Millisecond
	// recovery is how long a bucket takes from nothing back to its quota.
	recovery = time.Minute
)

// quota is one of the service's quotas.
type quota int

const (
	quotaMedia quota = iota
	quotaMetadata
	quotaDescribe
	quotaEndpoint
	quotaListStreams
)

// paceKey names a bucket.
type paceKey struct {
	stream clip.StreamName
	quota  quota
}

// pacer makes calls wait so that they keep to the quotas, stream by stream.
type pacer struct {
	points Points

	buckets *lru.Cache[paceKey, *bucket]
}

// newPacer gives a pacer whose buckets are full.
func newPacer(p Points) (*pacer, error) {
	for _, field := range []struct {
		value *float64
		usual float64
	}{{&p.Media, defaultMedia}, {&p.Metadata, defaultMetadata}, {&p.Calls, defaultCalls}} {
		if *field.value < 0 || math.IsNaN(*field.value) {
			return nil, fmt.Errorf("points %g a second: want more than 0: %w", *field.value, clip.ErrInvalid)
		}
		if *field.value == 0 {
			*field.value = field.usual
		}
	}
	buckets, err := lru.New[paceKey, *bucket](maxStreams)
	if err != nil {
		return nil, fmt.Errorf("pacer: %w", err)
	}
	return &pacer{points: p, buckets: buckets}, nil
}

// perSecond gives the rate of a quota.
func (p *pacer) perSecond(q quota) float64 {
	switch q {
	case quotaMedia:
		return p.points.Media
	case quotaMetadata:
		return p.points.Metadata
	case quotaListStreams:
		return listStreamsRate
	case quotaDescribe, quotaEndpoint:
	}
	return p.points.Calls
}

// bucket gives the bucket of a key.
func (p *pacer) bucket(key paceKey) *bucket {
	if b, ok := p.buckets.Get(key); ok {
		return b
	}
	b := newBucket(p.perSecond(key.quota))
	if other, ok, _ := p.buckets.PeekOrAdd(key, b); ok {
		return other
	}
	return b
}

// take waits until points (at least 1) are to be had. It fails when ctx ends, and with errPaced at once when ctx would
// end first.
func (p *pacer) take(ctx context.Context, key paceKey, points int) error {
	return p.bucket(key).take(ctx, max(points, 1))
}

// slow halves the rate of a bucket and gives the share of the quota that it now has.
func (p *pacer) slow(key paceKey) float64 { return p.bucket(key).slow() }

// bucket holds up to a second's points of one quota. A refusal by the service empties it and halves the rate at which
// it fills; the rate comes back evenly over the recovery time.
type bucket struct {
	limiter *rate.Limiter

	quota float64

	// mu guards what follows.
	mu sync.Mutex
	// share of the quota at the time since; it grows from there.
	share float64
	since time.Time
}

// newBucket gives a full bucket that fills at quota points a second.
func newBucket(quota float64) *bucket {
	return &bucket{limiter: rate.NewLimiter(rate.Limit(quota), max(1, int(quota))), quota: quota, share: 1}
}

// take waits for n points, more than the bucket holds in several goes.
func (b *bucket) take(ctx context.Context, n int) error {
	for n > 0 {
		b.refresh()
		some := min(n, b.limiter.Burst())
		if err := b.limiter.WaitN(ctx, some); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return errPaced
		}
		n -= some
	}
	return nil
}

// refresh sets the rate to the share of now.
func (b *bucket) refresh() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limiter.SetLimit(rate.Limit(b.quota * b.shareLocked(time.Now())))
}

// shareLocked gives the share of the quota at a time.
func (b *bucket) shareLocked(now time.Time) float64 {
	if b.since.IsZero() {
		return 1
	}
	return min(1, b.share+now.Sub(b.since).Seconds()/recovery.Seconds())
}

// slow halves the rate and empties the bucket, once for refusals that come together.
func (b *bucket) slow() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if !b.since.IsZero() && now.Sub(b.since) < slowGrace {
		return b.share
	}
	b.share, b.since = max(slowest, b.shareLocked(now)/2), now
	b.limiter.SetLimit(rate.Limit(b.quota * b.share))
	if left := int(b.limiter.Tokens()); left > 0 {
		b.limiter.AllowN(now, left)
	}
	return b.share
}
