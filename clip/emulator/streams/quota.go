package streams

import (
	"context"
	"sync"
	"time"

	"clipfs/clip/emulator/wire"

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
	getCalls             = 5
	getConnections       = 3
	getListedConnections = 5
	getBytes             = 25_000_000
)

// bucket makes a bucket of a second's worth of a quota.
func bucket(perSecond int, off bool) *rate.Limiter {
	if off {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(perSecond), perSecond)
}

// Calls are how often operations may be called: a bucket each, which does not change once it was made.
type Calls map[wire.API]*rate.Limiter

// fill gives operations full buckets.
func (c Calls) fill(perSecond int, off bool, apis ...wire.API) {
	for _, api := range apis {
		c[api] = bucket(perSecond, off)
	}
}

// Take takes one call of an operation, if there is one. Operations that have no bucket can be called as often as one likes.
func (c Calls) Take(api wire.API, now time.Time) bool {
	b := c[api]
	return b == nil || b.AllowN(now, 1)
}

// Quota is what the callers of one stream share.
type Quota struct {
	Calls
	// Ingest and fragments are what PutMedia takes in, a second. It reads no faster, and so no producer is refused for
	// sending more: the reference calls them rates at which it reads, and has no error for them.
	Ingest, fragments *rate.Limiter
	// connected holds something for each connection that PutMedia has, getting for each that others have.
	connected chan struct{}
	getting   map[wire.API]chan struct{}

	mu              sync.Mutex // mu makes drawing on both buckets one step
	media, metadata *rate.Limiter
}

// newQuota makes the full buckets of a new stream, which so many connections may bring media to at once.
func newQuota(off bool, connections int) *Quota {
	q := &Quota{media: bucket(mediaPoints, off), metadata: bucket(metadataPoints, off)}
	q.Ingest, q.fragments = bucket(putBytes, off), bucket(putFragments, off)
	q.connected = make(chan struct{}, connections)
	q.Calls = Calls{wire.PutMedia: bucket(putCalls, off)}
	q.fill(getCalls, off, wire.GetDASHStreamingSessionURL, wire.GetHLSStreamingSessionURL, wire.GetMedia, wire.GetMediaForFragmentList)
	if q.getting = make(map[wire.API]chan struct{}); !off {
		q.getting[wire.GetMedia] = make(chan struct{}, getConnections)
		q.getting[wire.GetMediaForFragmentList] = make(chan struct{}, getListedConnections)
	}
	for _, api := range wire.ControlAPIs() {
		if api != wire.CreateStream && api != wire.ListStreams { // they name no stream that is there
			q.fill(streamControlCalls, off, api)
		}
	}
	return q
}

// Connect takes one of the connections that PutMedia may have, and gives the way to return it. It is the new connection that
// is refused, not an old one that is cut (quotas page, PutMedia).
func (q *Quota) Connect() (release func(), err error) { return take(q.connected) }

// take takes one of some connections.
func take(places chan struct{}) (release func(), err error) {
	select {
	case places <- struct{}{}:
		return sync.OnceFunc(func() { <-places }), nil
	default:
		return nil, wire.Refuse(wire.ConnectionLimit, "The request is rejected because the limit on client connections has been exceeded.")
	}
}

// Get takes one of the connections that an operation may have that gives media out, and gives the way to return it.
func (q *Quota) Get(api wire.API) (release func(), err error) {
	places := q.getting[api]
	if places == nil {
		return func() {}, nil
	}
	release, err = take(places)
	if err != nil && api == wire.GetMediaForFragmentList { // which knows no other limit
		err = wire.Throttled(api, "connections")
	}
	return release, err
}

// Outgoing makes the bucket of bytes of a connection that gives media out.
func (q *Quota) Outgoing() *rate.Limiter { return bucket(getBytes, q.media.Limit() == rate.Inf) }

// Fragment waits until one more fragment may come.
func (q *Quota) Fragment(ctx context.Context) error { return q.fragments.Wait(ctx) }

// Points takes points of both kinds, or none of either.
func (q *Quota) Points(now time.Time, media, metadata int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if short(q.media, now, media) || short(q.metadata, now, metadata) {
		return wire.Refuse(wire.ClientLimit, "The request is rejected because the limit on client calls has been exceeded.")
	}
	q.media.AllowN(now, media)
	q.metadata.AllowN(now, metadata)
	return nil
}

// short reports whether a bucket has less than n.
func short(b *rate.Limiter, now time.Time, n int) bool {
	return b.Limit() != rate.Inf && b.TokensAt(now) < float64(n)
}

// NewAccountQuota makes the full buckets that all callers share.
func NewAccountQuota(off bool) Calls {
	c := Calls{wire.ListStreams: bucket(accountListCalls, off)}
	c.fill(accountChangeCalls, off, wire.CreateStream, wire.DeleteStream, wire.ListTagsForStream, wire.TagStream, wire.UntagStream,
		wire.UpdateDataRetention, wire.UpdateImageGenerationConfiguration, wire.UpdateNotificationConfiguration, wire.UpdateStream,
		wire.UpdateStreamStorageConfiguration)
	c.fill(accountDescribeCalls, off, wire.DescribeImageGenerationConfiguration, wire.DescribeNotificationConfiguration, wire.DescribeStream,
		wire.DescribeStreamStorageConfiguration, wire.GetDataEndpoint)
	return c
}
