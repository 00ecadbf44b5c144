package kvs

import (
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/quota"
)

// Observer is told what calls of the API come to. Its methods must not block.
type Observer interface {
	// Called is told of a call that has ended, after how many attempts (0 if it was not sent) and how long, its waits
	// for quota and between attempts in it. err is nil, or wraps one of package archive. Of GetClip the body is still to
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

// Quotas has what is left of the quotas that calls were made of, of at most some thousand streams, those used last.
func (a *Archive) Quotas() []quota.Left { return a.pace.All() }

// OpenQuota is how many fragments of a stream an open may ask for at once now, and how many a second after that.
func (a *Archive) OpenQuota(stream archive.StreamName) (atOnce, perSecond float64) {
	return a.pace.Opening(stream)
}
