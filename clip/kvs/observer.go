package kvs

import (
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/quota"
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
	quota.Level
}

// String gives the name of a quota.
func (q quotaName) String() string {
	return [...]string{"media", "metadata", "describe_stream", "get_data_endpoint", "list_streams"}[q]
}

// Quotas gives the quotas of which calls were made, of at most some thousand streams, those used last.
func (a *Archive) Quotas() []Quota {
	keys := a.pace.buckets.Keys()
	all := make([]Quota, 0, len(keys))
	for _, key := range keys {
		if b, ok := a.pace.buckets.Peek(key); ok {
			all = append(all, Quota{Stream: key.stream, Name: key.quota.String(), Level: b.Level()})
		}
	}
	return all
}
