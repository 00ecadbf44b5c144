package clip

import (
	"context"
	"sync"
	"time"
)

// flight shares one call among all who want its result at the same time. The call runs apart from any one caller's
// context: it is cancelled when the last caller has left, and when it makes no progress, so that it ends even if they
// stay.
type flight[K comparable, V any] struct {
	timeout time.Duration

	// mu guards calls and the waiters of each.
	mu    sync.Mutex
	calls map[K]*flightCall[V]
}

// flightCall is one call under way. value and err are written before done is closed and only read after.
type flightCall[V any] struct {
	cancel  context.CancelFunc
	done    chan struct{}
	waiters int
	value   V
	err     error
}

// flightFunc makes a call. It calls progress with every sign of life of the archive.
type flightFunc[V any] func(ctx context.Context, progress func()) (V, error)

// newFlight gives a flight whose calls may go without progress for as long as timeout.
func newFlight[K comparable, V any](timeout time.Duration) *flight[K, V] {
	return &flight[K, V]{timeout: timeout, calls: make(map[K]*flightCall[V])}
}

// do gives the result of call for a key, joining a call under way. It returns early with ctx's cause when ctx ends.
func (f *flight[K, V]) do(ctx context.Context, key K, call flightFunc[V]) (V, error) {
	f.mu.Lock()
	c, ok := f.calls[key]
	if !ok {
		c = f.startLocked(ctx, key, call)
	}
	c.waiters++
	f.mu.Unlock()

	defer f.leave(key, c)
	select {
	case <-c.done:
		return c.value, c.err
	case <-ctx.Done():
		var zero V
		return zero, context.Cause(ctx)
	}
}

// startLocked begins a call in a goroutine of its own.
func (f *flight[K, V]) startLocked(ctx context.Context, key K, call flightFunc[V]) *flightCall[V] {
	detached, progress, cancel := withProgress(context.WithoutCancel(ctx), f.timeout)
	c := &flightCall[V]{cancel: cancel, done: make(chan struct{})}
	f.calls[key] = c
	go func() {
		c.value, c.err = call(detached, progress)
		f.forget(key, c)
		close(c.done)
		cancel()
	}()
	return c
}

// leave takes one waiter off and cancels the call if it was the last.
func (f *flight[K, V]) leave(key K, c *flightCall[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.waiters--
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
