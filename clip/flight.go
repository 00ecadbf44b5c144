package clip

import (
	"context"
	"sync"
	"time"

	"clipfs/clip/archive"
)

// flight shares one call among all who want its result at the same time. The call runs apart from any one caller's
// context: it is cancelled when it makes no progress, and some time after the last caller has left, not at once, because
// one who is interrupted often comes again.
type flight[K comparable, V any] struct {
	timeout time.Duration

	// mu guards calls and the waiters of each.
	mu    sync.Mutex
	calls map[K]*flightCall[V]
}

// flightLinger is how long a call goes on for nobody.
const flightLinger = time.Second

// flightCall is one call under way. value and err are written before done is closed and only read after.
type flightCall[V any] struct {
	cancel   context.CancelFunc
	refusals archive.Refusals
	done     chan struct{}
	waiters  int
	linger   *time.Timer // runs while there are no waiters
	value    V
	err      error
}

// flightFunc makes a call. It calls progress with every sign of life of the archive.
type flightFunc[V any] func(ctx context.Context, progress func()) (V, error)

// newFlight gives a flight whose calls may go without progress for as long as timeout.
func newFlight[K comparable, V any](timeout time.Duration) *flight[K, V] {
	return &flight[K, V]{timeout: timeout, calls: make(map[K]*flightCall[V])}
}

// do gives the result of call for a key, joining a call under way. It returns early with ctx's cause when ctx ends, and
// with an ErrNotListening for a brief operation when connections have been refused for long enough.
func (f *flight[K, V]) do(ctx context.Context, key K, call flightFunc[V]) (V, error) {
	f.mu.Lock()
	c, ok := f.calls[key]
	if !ok {
		c = f.startLocked(ctx, key, call)
	}
	c.waiters++
	if c.linger != nil {
		c.linger.Stop()
	}
	f.mu.Unlock()

	defer f.leave(key, c)
	c.refusals.Join(ctx)
	if err := c.refusals.Await(ctx, c.done, archive.BriefWait(f.timeout)); err != nil {
		var zero V
		return zero, err
	}
	return c.value, c.err
}

// startLocked begins a call in a goroutine of its own.
func (f *flight[K, V]) startLocked(ctx context.Context, key K, call flightFunc[V]) *flightCall[V] {
	c := &flightCall[V]{done: make(chan struct{})}
	detached, progress, cancel := withProgress(c.refusals.In(archive.Patient(context.WithoutCancel(ctx))), f.timeout)
	c.cancel = cancel
	f.calls[key] = c
	go func() {
		c.value, c.err = call(detached, progress)
		f.forget(key, c)
		close(c.done)
		cancel()
	}()
	return c
}

// leave takes one waiter off. After the last one the call has a moment left.
func (f *flight[K, V]) leave(key K, c *flightCall[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.waiters--
	if c.waiters > 0 {
		return
	}
	select {
	case <-c.done:
	default:
		c.linger = time.AfterFunc(flightLinger, func() { f.abandon(key, c) })
	}
}

// abandon cancels a call that nobody waits for.
func (f *flight[K, V]) abandon(key K, c *flightCall[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.waiters > 0 {
		return
	}
	c.cancel()
	if f.calls[key] == c {
		delete(f.calls, key)
	}
}

// forget lets the next caller start anew.
func (f *flight[K, V]) forget(key K, c *flightCall[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls[key] == c {
		delete(f.calls, key)
	}
}
