package kvs

import (
	"context"
	"errors"
	"fmt"
	"math"

	"clipfs/clip/archive"
	"clipfs/clip/quota"

	lru "github.com/hashicorp/golang-lru/v2"
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

// quotaName is one of the service's quotas.
type quotaName int

const (
	quotaMedia quotaName = iota
	quotaMetadata
	quotaDescribe
	quotaEndpoint
	quotaListStreams
)

// paceKey names a bucket.
type paceKey struct {
	stream archive.StreamName
	quota  quotaName
}

// pacer makes calls wait so that they keep to the quotas, stream by stream.
type pacer struct {
	points Points

	buckets *lru.Cache[paceKey, *quota.Bucket]
}

// newPacer gives a pacer whose buckets are full.
func newPacer(p Points) (*pacer, error) {
	for _, field := range []struct {
		value *float64
		usual float64
	}{{&p.Media, defaultMedia}, {&p.Metadata, defaultMetadata}, {&p.Calls, defaultCalls}} {
		if *field.value < 0 || math.IsNaN(*field.value) {
			return nil, fmt.Errorf("points %g a second: want more than 0: %w", *field.value, archive.ErrInvalid)
		}
		if *field.value == 0 {
			*field.value = field.usual
		}
	}
	buckets, err := lru.New[paceKey, *quota.Bucket](maxStreams)
	if err != nil {
		return nil, fmt.Errorf("pacer: %w", err)
	}
	return &pacer{points: p, buckets: buckets}, nil
}

// perSecond gives the rate of a quota.
func (p *pacer) perSecond(q quotaName) float64 {
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
func (p *pacer) bucket(key paceKey) *quota.Bucket {
	if b, ok := p.buckets.Get(key); ok {
		return b
	}
	b := quota.New(p.perSecond(key.quota))
	if other, ok, _ := p.buckets.PeekOrAdd(key, b); ok {
		return other
	}
	return b
}

// take waits until points (at least 1) are to be had and it is the turn of a call of this demand. It fails when ctx ends,
// and with errPaced at once when ctx would end first even if nobody else waited.
func (p *pacer) take(ctx context.Context, key paceKey, points int, demand *archive.Demand) error {
	err := p.bucket(key).Take(ctx, max(points, 1), demand)
	if errors.Is(err, quota.ErrLate) {
		return errPaced
	}
	return err
}

// giveBack puts points back that a call took and did not cost.
func (p *pacer) giveBack(key paceKey, points int) {
	if points > 0 {
		p.bucket(key).GiveBack(float64(points))
	}
}

// slow halves the rate of a bucket and gives the share of the quota that it now has.
func (p *pacer) slow(key paceKey) float64 { return p.bucket(key).Slow() }

// OpenQuota gives how many fragments of a stream whoever opens clips of it may ask for at once now, and how many a second
// after that.
func (a *Archive) OpenQuota(stream archive.StreamName) (atOnce, perSecond float64) {
	return a.pace.bucket(paceKey{stream, quotaMedia}).Opening()
}
