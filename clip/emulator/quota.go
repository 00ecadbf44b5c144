package emulator

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The quotas that cannot be raised, a second (quotas page of the developer guide).
const (
	mediaPoints          = 500
	metadataPoints       = 10_000
	streamControlCalls   = 5
	accountDescribeCalls = 300
	accountListCalls     = 50
	accountChangeCalls   = 50
	putCalls             = 5
	putFragments         = 5
	putBytes             = 12_500_000
)

// bucket makes a bucket of a second's worth of a quota.
func bucket(perSecond int, off bool) *rate.Limiter {
	if off {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(perSecond), perSecond)
}

// streamQuota is what the callers of one stream share.
type streamQuota struct {
	control map[API]*rate.Limiter // by operation; not changed after it was made
	// ingest and fragments are what PutMedia takes in, a second. It reads no faster, and so no producer is refused for
	// sending more: the reference calls them rates at which it reads, and has no error for them.
	ingest, fragments *rate.Limiter
	// connected holds something while PutMedia has its one connection.
	connected chan struct{}

	mu              sync.Mutex // mu makes drawing on both buckets one step
	media, metadata *rate.Limiter
}

// newStreamQuota makes the full buckets of a new stream.
func newStreamQuota(off bool) *streamQuota {
	q := &streamQuota{media: bucket(mediaPoints, off), metadata: bucket(metadataPoints, off)}
	q.ingest, q.fragments = bucket(putBytes, off), bucket(putFragments, off)
	q.connected = make(chan struct{}, 1)
	q.control = make(map[API]*rate.Limiter)
	for _, api := range []API{DeleteStream, DescribeStream, GetDataEndpoint, ListTagsForStream, TagStream, UntagStream,
		UpdateDataRetention, UpdateStream} {
		q.control[api] = bucket(streamControlCalls, off)
	}
	q.control[PutMedia] = bucket(putCalls, off)
	return q
}

// connect takes the one connection that PutMedia may have, and gives the way to return it. It is the new connection that
// is refused, not the old one that is cut (quotas page, PutMedia).
func (q *streamQuota) connect() (release func(), err error) {
	select {
	case q.connected <- struct{}{}:
		return sync.OnceFunc(func() { <-q.connected }), nil
	default:
		return nil, refuse(errConnectionLimit, "The request is rejected because the limit on client connections has been exceeded.")
	}
}

// fragment waits until one more fragment may come.
func (q *streamQuota) fragment(ctx context.Context) error { return q.fragments.Wait(ctx) }

// call takes one call of a control operation, or of PutMedia.
func (q *streamQuota) call(api API, now time.Time) error {
	if b := q.control[api]; b != nil && !b.AllowN(now, 1) {
		return throttled()
	}
	return nil
}

// points takes points of both kinds, or none of either.
func (q *streamQuota) points(now time.Time, media, metadata int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if short(q.media, now, media) || short(q.metadata, now, metadata) {
		return throttled()
	}
	q.media.AllowN(now, media)
	q.metadata.AllowN(now, metadata)
	return nil
}

// short reports whether a bucket has less than n.
func short(b *rate.Limiter, now time.Time, n int) bool {
	return b.Limit() != rate.Inf && b.TokensAt(now) < float64(n)
}

// accountQuota is what all callers share.
type accountQuota struct{ byAPI map[API]*rate.Limiter }

// newAccountQuota makes full buckets.
func newAccountQuota(off bool) *accountQuota {
	q := &accountQuota{byAPI: make(map[API]*rate.Limiter)}
	for _, api := range []API{CreateStream, DeleteStream, ListTagsForStream, TagStream, UntagStream, UpdateDataRetention,
		UpdateStream} {
		q.byAPI[api] = bucket(accountChangeCalls, off)
	}
	q.byAPI[ListStreams] = bucket(accountListCalls, off)
	q.byAPI[DescribeStream] = bucket(accountDescribeCalls, off)
	q.byAPI[GetDataEndpoint] = bucket(accountDescribeCalls, off)
	return q
}

// call takes one call of an operation.
func (q *accountQuota) call(api API, now time.Time) error {
	if b := q.byAPI[api]; b != nil && !b.AllowN(now, 1) {
		return throttled()
	}
	return nil
}
