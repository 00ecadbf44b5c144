package quota

import (
	"context"
	"fmt"
	"math"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/recent"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Points are quota points per second, for each stream, that calls keep to. A field that is 0 has its default: what the
// service allows (developer guide, "Amazon Kinesis Video Streams quotas"). All who read a stream share its quotas, so
// set less to leave some to others.
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

// maxBuckets is how many buckets are remembered.
const maxBuckets = 4096

// Name is one of the service's quotas.
type Name int

// The quotas.
const (
	// Media is that of GetClip, Metadata that of GetClip and ListFragments; the others are named for their calls.
	Media Name = iota
	Metadata
	DescribeStream
	GetDataEndpoint
	ListStreams
)

// Key names a bucket.
type Key struct {
	Stream archive.StreamName
	Quota  Name
}

// Pacer makes calls wait so that they keep to the quotas, stream by stream.
type Pacer struct {
	points Points

	buckets *lru.Cache[Key, *Bucket]
}

// NewPacer returns a pacer whose buckets are full.
func NewPacer(p Points) (*Pacer, error) {
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
	return &Pacer{points: p, buckets: recent.Cache[Key, *Bucket](maxBuckets)}, nil
}

func (p *Pacer) perSecond(q Name) float64 {
	switch q {
	case Media:
		return p.points.Media
	case Metadata:
		return p.points.Metadata
	case ListStreams:
		return listStreamsRate
	case DescribeStream, GetDataEndpoint:
	}
	return p.points.Calls
}

// Bucket is the bucket of a key.
func (p *Pacer) Bucket(key Key) *Bucket {
	if b, ok := p.buckets.Get(key); ok {
		return b
	}
	b := New(p.perSecond(key.Quota))
	b.together = key.Quota == Metadata
	if other, ok, _ := p.buckets.PeekOrAdd(key, b); ok {
		return other
	}
	return b
}

// Take waits until points (at least 1) are to be had and it is the turn of a call of this demand. It fails when ctx ends,
// and with ErrLate at once when ctx would end first even if nobody else waited.
func (p *Pacer) Take(ctx context.Context, key Key, points int, demand *archive.Demand) error {
	return p.Bucket(key).Take(ctx, max(points, 1), demand)
}

// GiveBack puts points back that a call took and did not cost.
func (p *Pacer) GiveBack(key Key, points int) {
	if points > 0 {
		p.Bucket(key).GiveBack(float64(points))
	}
}

// Answered tells of an answer to a call for which points were taken, and when that was sent.
func (p *Pacer) Answered(key Key, sent time.Time) { p.Bucket(key).Answered(sent) }

// Slow halves the rate of a bucket and returns the share of the quota that it now has.
func (p *Pacer) Slow(key Key) float64 { return p.Bucket(key).Slow() }

// Opening is what a call for a head may take of a stream's media points at once now, and a second after that.
func (p *Pacer) Opening(stream archive.StreamName) (atOnce, perSecond float64) {
	return p.Bucket(Key{stream, Media}).Opening()
}

// Left is what is left of one quota of one stream.
type Left struct {
	// Stream is whose quota it is; empty for that of the account.
	Stream archive.StreamName
	// Name is media, metadata, describe_stream, get_data_endpoint or list_streams.
	Name string
	Level
}

// String is the name of a quota.
func (q Name) String() string {
	return [...]string{"media", "metadata", "describe_stream", "get_data_endpoint", "list_streams"}[q]
}

// All has what is left of the quotas that points were taken of.
func (p *Pacer) All() []Left {
	keys := p.buckets.Keys()
	all := make([]Left, 0, len(keys))
	for _, key := range keys {
		if b, ok := p.buckets.Peek(key); ok {
			all = append(all, Left{Stream: key.Stream, Name: key.Quota.String(), Level: b.Level()})
		}
	}
	return all
}
