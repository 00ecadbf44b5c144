// Package singleflight shares one call among all callers that want its result at the same time.
package singleflight

import (
	"context"
	"fmt"
	"sync"
	"time"

	"clipfs/clip/archive"
)

// linger is how long a call goes on for nobody.
const linger = time.Second

// Group shares calls by key. A call runs apart from the context of any one caller. It is cancelled when it makes no
// progress, and a while after its last caller has left: an interrupted caller often comes again.
type Group[K comparable, V any] struct {
	timeout time.Duration

	// mu guards calls and the waiters of each.
	mu    sync.Mutex
	calls map[K]*call[V]
}

// Func makes a call. It calls progress with every sign of life of the archive.
type Func[V any] func(ctx context.Context, progress func()) (V, error)

// call is a call under way. value and err are written before done is closed and only read after.
type call[V any] struct {
	cancel   context.CancelFunc
	refusals archive.Refusals
	done     chan struct{}
	waiters  int
	linger   *time.Timer // runs while there are no waiters
	value    V
	err      error
}

// New gives a group whose calls may go without progress for as long as timeout.
func New[K comparable, V any](timeout time.Duration) *Group[K, V] {
	return &Group[K, V]{timeout: timeout, calls: make(map[K]*call[V])}
}

// Do gives the result of work for a key, or of a call for the key that is under way. It returns early with the cause of
// ctx when ctx ends, and for a brief operation with an ErrNotListening when connections have been refused for long enough.
func (g *Group[K, V]) Do(ctx context.Context, key K, work Func[V]) (V, error) {
	g.mu.Lock()
	c, ok := g.calls[key]
	if !ok {
		c = g.startLocked(ctx, key, work)
	}
	c.waiters++
	if c.linger != nil {
		c.linger.Stop()
	}
	g.mu.Unlock()

	defer g.leave(key, c)
	c.refusals.Join(ctx)
	if err := c.refusals.Await(ctx, c.done, archive.BriefWait(g.timeout)); err != nil {
		var zero V
		return zero, err
	}
	return c.value, c.err
}

// startLocked begins a call in a goroutine of its own.
func (g *Group[K, V]) startLocked(ctx context.Context, key K, work Func[V]) *call[V] {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	c := &call[V]{cancel: func() { cancel(nil) }, done: make(chan struct{})}
	// The cause wraps DeadlineExceeded: then the archive tells what the last failure was.
	stalled := time.AfterFunc(g.timeout, func() {
		cancel(fmt.Errorf("no progress for %s: %w", g.timeout, context.DeadlineExceeded))
	})
	progress := func() {
		if ctx.Err() == nil {
			stalled.Reset(g.timeout)
		}
	}
	g.calls[key] = c
	go func() {
		c.value, c.err = work(c.refusals.In(archive.Patient(ctx)), progress)
		stalled.Stop()
		g.mu.Lock()
		g.forgetLocked(key, c)
		g.mu.Unlock()
		close(c.done)
		cancel(nil)
	}()
	return c
}

// leave takes one waiter off. After the last one the call has a moment left.
func (g *Group[K, V]) leave(key K, c *call[V]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.waiters--; c.waiters > 0 {
		return
	}
	select {
	case <-c.done:
	default:
		c.linger = time.AfterFunc(linger, func() { g.abandon(key, c) })
	}
}

// abandon cancels a call that nobody waits for.
func (g *Group[K, V]) abandon(key K, c *call[V]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.waiters == 0 {
		c.cancel()
		g.forgetLocked(key, c)
	}
}

// forgetLocked has the next caller start a call of its own.
func (g *Group[K, V]) forgetLocked(key K, c *call[V]) {
	if g.calls[key] == c {
		delete(g.calls, key)
	}
}
