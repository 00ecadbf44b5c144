// Package bandwidth keeps downloads together to a number of bytes a second.
package bandwidth

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"clipfs/clip/archive"
	"clipfs/clip/queue"
)

const (
	// chunkTime is for how long one download may have the bandwidth at most before another gets its turn.
	chunkTime = 50 * time.Millisecond
	// minChunk and maxChunk bound how many bytes that is.
	minChunk, maxChunk = 4 << 10, 256 << 10
)

// Limiter keeps all downloads together to a number of bytes a second. Each pays for what it has read before it reads on.
// Those that wait to pay are served by priority, and those of one priority in turn, a chunk at a time. A nil one is no limit.
type Limiter struct {
	limiter *rate.Limiter
	chunk   int

	// mu guards the rest.
	mu sync.Mutex
	// waiting has how many bytes each pays for. timer serves them.
	waiting  queue.Queue[int]
	timer    *time.Timer
	watchers map[*func()]struct{}
}

// New gives one for so many bytes a second; nil for 0.
func New(perSecond int64) *Limiter {
	if perSecond <= 0 {
		return nil
	}
	chunk := int(min(max(perSecond*int64(chunkTime)/int64(time.Second), minChunk), maxChunk))
	return &Limiter{limiter: rate.NewLimiter(rate.Limit(perSecond), chunk), chunk: chunk, watchers: make(map[*func()]struct{})}
}

// Most is how many bytes to read at once.
func (b *Limiter) Most(n int) int {
	if b == nil {
		return n
	}
	return min(n, b.chunk)
}

// Pay waits for as long as reading n bytes, no more than a chunk, has to take; or for ctx to end, whose cause it gives then.
func (b *Limiter) Pay(ctx context.Context, demand *archive.Demand, n int) error {
	if b == nil || n <= 0 {
		return nil
	}
	b.mu.Lock()
	payment := b.waiting.Add(demand, n)
	b.mu.Unlock()
	b.serve()
	err := payment.Wait(ctx, nil) // each choice is made when it is due
	if err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.waiting.Remove(payment)
	}
	return err
}

// serve lets payments through whose time has come, and tells the watchers. Which payment is next is decided when the bytes of
// the one before are paid: by then that download waits again, if it is to.
func (b *Limiter) serve() {
	b.mu.Lock()
	served := false
	for b.waiting.Len() > 0 && !b.pauseLocked() {
		for payment := range b.waiting.All() {
			b.limiter.ReserveN(time.Now(), payment.Value)
			b.waiting.Grant(payment)
			break
		}
		served = true
	}
	var watchers []func()
	for w := range b.watchers {
		watchers = append(watchers, *w)
	}
	b.mu.Unlock()
	for _, progress := range watchers {
		if served {
			progress()
		}
	}
}

// pauseLocked reports whether what was let through is not paid yet. Then it has serve called once it is.
func (b *Limiter) pauseLocked() bool {
	pause := b.limiter.ReserveN(time.Now(), 0).Delay()
	if pause <= 0 {
		return false
	}
	if b.timer == nil {
		b.timer = time.AfterFunc(pause, b.serve)
	} else {
		b.timer.Reset(pause)
	}
	return true
}

// Watch has progress called whenever bytes were let through, until stop is: while the limit holds everything back, the bytes
// of other downloads are a sign of life for those that wait.
func (b *Limiter) Watch(progress func()) (stop func()) {
	if b == nil {
		return func() {}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers[&progress] = struct{}{}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers, &progress)
	}
}
