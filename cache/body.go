package cache

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// body is what the holders of one entry share: the file, how far it has grown and how it ended.
type body struct {
	key     Key
	created int64
	// ready is closed when the size is known or the fill has failed.
	ready chan struct{}
	// over is closed when the fill has returned.
	over chan struct{}
	// quit is closed when the fill has to stop; cause then says why. Both nil for an entry found on disk.
	quit   chan struct{}
	cancel context.CancelCauseFunc

	// backing is there from the start of the fill, or the first Acquire of a whole entry, until the last reference is
	// gone. Set by whoever opens first, taken out under Cache.mu.
	backing atomic.Pointer[backing]
	// written is how many bytes can be read: the size of a whole entry. Only the fill raises it, after the bytes are in
	// the file.
	written atomic.Int64

	// Cache.mu guards the following.

	path     string
	holders  int   // handles that were not released
	refs     int   // holders, the fill, and whoever is just opening or closing the file: the entry is pinned
	cost     int64 // bytes of the budget that it takes
	expect   int64 // about how many bytes it will have; 0 while unknown
	claim    int64 // bytes of the budget that are kept for it, beyond cost
	memory   int64 // bytes of memory that it takes
	volatile bool  // whole but not on disk: gone with its last holder
	ended    bool  // the fill has returned, or there never was one
	stuck    bool  // the file could not be removed, so its cost stays counted
	dying    bool  // abandoned: its cost is counted in Cache.dying
	cause    error // why the fill has to stop
	resumed  chan struct{}
	timer    *time.Timer
	parked   time.Time
	parks    int // how often it was parked: tells a late timer that it is not meant

	// proven is what was checked of an entry that was found on disk; nil if it was filled by this process. It is made
	// when the file is first opened.
	proven *proof
	found  bool // on disk, at the start, or not as we left it
	// changed is when the file's inode was last changed, as of our own last change; zero where that is not known.
	changed unix.Timespec
	// start is when the footage began, expires when it has to go; zero where not known.
	start, expires time.Time
	// used is when the entry was last used, as far as that is known; by us, if fresh.
	used  time.Time
	fresh bool

	// mu guards the following. Cache.mu may be held when it is taken, never the other way round.
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

// newBody gives a growing body without a file.
func newBody(key Key, created int64) *body {
	return &body{key: key, created: created, size: -1, ready: make(chan struct{}), over: make(chan struct{}), quit: make(chan struct{})}
}

// foundBody gives the body of a whole entry on disk. It takes no file until it is acquired; settled is a closed channel.
func foundBody(n fileName, path string, settled chan struct{}) *body {
	b := &body{
		key: n.key, created: n.created, path: path, size: n.size, found: true,
		ended: true, done: true, ready: settled, over: settled,
	}
	b.cost = blocks(fileSize(n.size))
	b.written.Store(n.size)
	return b
}

// settledLocked says whether a read of [off, end) can be answered now: with the bytes up to limit (none if the end of
// the entry is at or before off), or with an error.
func (b *body) settledLocked(off, end int64) (limit int64, ok bool, err error) {
	if b.size >= 0 {
		if off >= b.size {
			return off, true, nil
		}
		end = min(end, b.size)
	}
	if b.written.Load() >= end {
		return end, true, nil
	}
	return 0, b.err != nil, b.err
}

// wait returns when a read of [off, end) can be answered, or with the cause of ctx when that ends first.
func (b *body) wait(ctx context.Context, off, end int64) (limit int64, err error) {
	b.mu.Lock()
	limit, ok, err := b.settledLocked(off, end)
	if ok {
		b.mu.Unlock()
		return limit, err
	}
	w := &waiter{off: off, end: end, settled: make(chan struct{})}
	b.waiters = append(b.waiters, w)
	b.mu.Unlock()

	select {
	case <-w.settled:
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	// What has come is served even if ctx has ended too.
	if limit, ok, err = b.settledLocked(off, end); ok {
		return limit, err
	}
	if i := slices.Index(b.waiters, w); i >= 0 {
		b.waiters = slices.Delete(b.waiters, i, i+1)
	}
	return 0, context.Cause(ctx)
}

// wakeLocked wakes those whose reads can be answered now, and nobody else.
func (b *body) wakeLocked() {
	b.waiters = slices.DeleteFunc(b.waiters, func(w *waiter) bool {
		_, ok, _ := b.settledLocked(w.off, w.end)
		if ok {
			close(w.settled)
		}
		return ok
	})
}

// grow tells readers that the first n bytes are in the file. The count is raised before mu is taken: a reader that
// looked before that is on the list by the time we have mu.
func (b *body) grow(n int64) {
	b.written.Store(n)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wakeLocked()
}

// announce tells readers the exact size.
func (b *body) announce(size int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.done:
		return ErrAbandoned
	case b.size == size:
		return nil
	case b.size >= 0, size < b.written.Load():
		return ErrOverrun
	}
	b.size = size
	close(b.ready)
	b.wakeLocked()
	return nil
}

// settle tells readers that the fill has ended: with every byte if err is nil.
func (b *body) settle(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.size >= 0
	b.done, b.err = true, err
	if err == nil {
		b.size = b.written.Load()
	}
	if !known {
		close(b.ready)
	}
	close(b.over)
	b.wakeLocked()
}

// announced gives the size, -1 while it is unknown.
func (b *body) announced() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size
}

// outcome gives how the fill ended; done is false while it runs.
func (b *body) outcome() (done bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.done, b.err
}
