package cache

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// content is how far the bytes of an entry have come, how its fill ended, and which readers wait for it.
type content struct {
	// ready is closed when the size is known or the fill has failed.
	ready chan struct{}
	// over is closed when the fill has returned.
	over chan struct{}
	// written is how many bytes can be read: the size of a whole entry. Only the fill raises it, after it has written them.
	written atomic.Int64

	// mu guards the following.
	mu      sync.Mutex
	size    int64 // -1 while unknown
	err     error // why the fill failed
	done    bool  // the fill has returned
	waiters []*waiter
}

// waiter is one reader that waits for the bytes [off, end).
type waiter struct {
	off, end int64
	settled  chan struct{}
}

func (c *content) begin() { c.size, c.ready, c.over = -1, make(chan struct{}), make(chan struct{}) }

// found has the content be that of a whole entry of so many bytes. closed is a closed channel.
func (c *content) found(size int64, closed chan struct{}) {
	c.size, c.done, c.ready, c.over = size, true, closed, closed
	c.written.Store(size)
}

// settledLocked says whether a read of [off, end) can be answered now: with the bytes up to limit (none if the end of
// the entry is at or before off), or with an error.
func (c *content) settledLocked(off, end int64) (limit int64, ok bool, err error) {
	if c.size >= 0 {
		if off >= c.size {
			return off, true, nil
		}
		end = min(end, c.size)
	}
	if c.written.Load() >= end {
		return end, true, nil
	}
	return 0, c.err != nil, c.err
}

// wait returns when a read of [off, end) can be answered, or with the cause of ctx when that ends first.
func (c *content) wait(ctx context.Context, off, end int64) (limit int64, err error) {
	c.mu.Lock()
	limit, ok, err := c.settledLocked(off, end)
	if ok {
		c.mu.Unlock()
		return limit, err
	}
	w := &waiter{off: off, end: end, settled: make(chan struct{})}
	c.waiters = append(c.waiters, w)
	c.mu.Unlock()

	select {
	case <-w.settled:
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// Bytes that have come are served even if ctx has ended too.
	if limit, ok, err = c.settledLocked(off, end); ok {
		return limit, err
	}
	if i := slices.Index(c.waiters, w); i >= 0 {
		c.waiters = slices.Delete(c.waiters, i, i+1)
	}
	return 0, context.Cause(ctx)
}

func (c *content) wakeLocked() {
	c.waiters = slices.DeleteFunc(c.waiters, func(w *waiter) bool {
		_, ok, _ := c.settledLocked(w.off, w.end)
		if ok {
			close(w.settled)
		}
		return ok
	})
}

// grow tells readers that the first n bytes are there. The count is raised before mu is taken: a reader that saw the old
// count is on the list by then.
func (c *content) grow(n int64) {
	c.written.Store(n)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wakeLocked()
}

func (c *content) announce(size int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.done:
		return ErrAbandoned
	case c.size == size:
		return nil
	case c.size >= 0, size < c.written.Load():
		return ErrOverrun
	}
	c.size = size
	close(c.ready)
	c.wakeLocked()
	return nil
}

// end tells readers that the fill has ended: with every byte if err is nil.
func (c *content) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.size >= 0
	c.done, c.err = true, err
	if err == nil {
		c.size = c.written.Load()
	}
	if !known {
		close(c.ready)
	}
	close(c.over)
	c.wakeLocked()
}

// state returns the size, -1 while it is unknown, and how the fill ended; done is false while it runs.
func (c *content) state() (size int64, done bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size, c.done, c.err
}
