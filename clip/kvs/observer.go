package kvs

import (
	"math"
	"time"

	"clipfs/clip/archive"
)

// Observer is told what calls of the API come to. Its methods must not block.
type Observer interface {
	// Called is told of a call that has ended, after how many attempts (0 if it was not sent) and how long, its waits
	// for quota and between attempts in it. err is nil, or what package clip has for it. Of GetClip the body is still to
	// come then.
	Called(api string, attempts int, took time.Duration, err error)
	// Retried is told of each attempt after a call's first.
	Retried(api string)
	// Refused is told of each attempt that the service refused for an exceeded limit.
	Refused(api string)
}

// nobody is the observer where none is given.
type nobody struct{}

func (nobody) Called(string, int, time.Duration, error) {}
func (nobody) Retried(string)                           {}
func (nobody) Refused(string)                           {}

// Quota is what is left of one quota of one stream.
type Quota struct {
	// Stream is whose quota it is; empty for that of the account.
	Stream archive.StreamName
	// Name is media, metadata, describe_stream, get_data_endpoint or list_streams.
	Name string
	// Left is how many points a call could have at once, of Burst. Rate is how many come a second now, Limit how many do
	// when the service has not refused calls of late.
	Left, Burst, Rate, Limit float64
	// Waiting is how many calls wait for points.
	Waiting int
}

// String gives the name of a quota.
func (q quota) String() string {
	return [...]string{"media", "metadata", "describe_stream", "get_data_endpoint", "list_streams"}[q]
}

// Quotas gives the quotas of which calls were made, of at most some thousand streams, those used last.
func (a *Archive) Quotas() []Quota {
	keys := a.pace.buckets.Keys()
	all := make([]Quota, 0, len(keys))
	for _, key := range keys {
		if b, ok := a.pace.buckets.Peek(key); ok {
			q := b.left()
			q.Stream, q.Name = key.stream, key.quota.String()
			all = append(all, q)
		}
	}
	return all
}

// left gives what is in the bucket.
func (b *bucket) left() Quota {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.fillLocked(now)
	share, _ := b.recovery.at(now, 1)
	return Quota{
		Left: math.Max(b.points, 0), Burst: b.burst, Rate: b.quota * share, Limit: b.quota, Waiting: b.waiting.Len(),
	}
}
