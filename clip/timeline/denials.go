package timeline

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"clipfs/clip/archive"
)

// denials is a service that remembers of which streams fragments may not be listed. Once the service has said so
// (ErrNotListable), every listing of the stream fails with the same error and without a call, for a while. Then the service
// is asked again, as a policy can be repaired. A listing that works ends it at once.
type denials struct {
	archive.Service
	logger *slog.Logger
	ttl    time.Duration

	// mu guards byStream.
	mu       sync.Mutex
	byStream *simplelru.LRU[archive.StreamName, denial]
}

// denial is what is known of a stream.
type denial struct {
	// err is what the service said; nil if fragments may be listed.
	err        error
	validUntil time.Time
	// perMinute is how many key frames a payload had a minute, at most; 0 while that is not known.
	perMinute float64
}

// likelyPerMinute is how many fragments a minute is taken to have while nothing has told: those of 2 s.
const likelyPerMinute = 30

func newDenials(service archive.Service, o Options) *denials {
	byStream, err := simplelru.NewLRU[archive.StreamName, denial](maxStreams, nil)
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return &denials{Service: service, logger: o.Logger, ttl: o.TTL, byStream: byStream}
}

// Fragments fails at once where the service has denied it lately.
func (d *denials) Fragments(ctx context.Context, q archive.FragmentQuery) iter.Seq2[archive.Fragment, error] {
	return func(yield func(archive.Fragment, error) bool) {
		if err := d.denied(q.Stream); err != nil {
			yield(archive.Fragment{}, err)
			return
		}
		var failed error
		for f, err := range d.Service.Fragments(ctx, q) {
			failed = err
			if errors.Is(err, archive.ErrNotListable) {
				d.deny(q.Stream, err)
			}
			if !yield(f, err) {
				break
			}
		}
		if failed == nil {
			d.allow(q.Stream)
		}
	}
}

// denied gives what the service said, if that is still valid.
func (d *denials) denied(stream archive.StreamName) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, ok := d.byStream.Get(stream); ok && time.Now().Before(known.validUntil) {
		return known.err
	}
	return nil
}

// deny keeps what the service said. It is logged when it is new.
func (d *denials) deny(stream archive.StreamName, err error) {
	d.mu.Lock()
	known, _ := d.byStream.Get(stream)
	told := known.err != nil
	known.err, known.validUntil = err, time.Now().Add(d.ttl)
	d.byStream.Add(stream, known)
	d.mu.Unlock()
	if !told {
		d.logger.Warn("fragments may not be listed: clips take a GetClip call a minute, nothing is listed, and latest, last/ and .json cannot be had",
			"stream", stream, "missing permission", "kinesisvideo:ListFragments", "error", err)
	}
}

// allow forgets a denial.
func (d *denials) allow(stream archive.StreamName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, ok := d.byStream.Peek(stream); ok && known.err != nil {
		d.byStream.Remove(stream)
	}
}

// saw learns from a payload of some length how many fragments a minute has.
func (d *denials) saw(stream archive.StreamName, length time.Duration, keyFrames int) {
	if length < time.Second {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	known, _ := d.byStream.Get(stream)
	known.perMinute = max(known.perMinute, float64(keyFrames)/length.Minutes())
	d.byStream.Add(stream, known)
}

// likely gives how many fragments a length is likely to have, at least 1.
func (d *denials) likely(stream archive.StreamName, length time.Duration) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	perMinute := float64(likelyPerMinute)
	if known, ok := d.byStream.Get(stream); ok && known.perMinute > 0 {
		perMinute = known.perMinute
	}
	return max(1, int(perMinute*length.Minutes()))
}
