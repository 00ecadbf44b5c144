package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Fill brings the bytes of an entry, in order, with w. It runs in a goroutine of its own. ctx ends when nobody has held
// the entry for Linger, or the cache closes (context.Cause says which: ErrAbandoned, ErrClosed), or what it has written
// cannot be read (ErrDamaged); the fill must then return soon, because Close and fills that need space wait for it.
// Returning nil says that the entry is whole.
type Fill func(ctx context.Context, w *Writer) error

// Request is what Acquire needs to make an entry that is not there. Only Fill has to be set.
type Request struct {
	Fill Fill
	// Expect is about how many bytes the entry will have, until the fill announces it: that much of the budget is kept for
	// it, if it is there. 0 keeps nothing.
	Expect int64
	// Expires is when the entry has to be removed; the zero time is never.
	Expires time.Time
	// About says what the entry is.
	About About
}

// Acquire gives the entry of a key: whole from disk, else the one that is being filled, shared, else a new one, for
// which it starts the request's fill. It never waits for a fill. The caller must Release the entry. An error of the fill is
// not an error of Acquire: readers of the entry get it, and the next Acquire of the key starts anew.
//
// A file that is missing, has the wrong size or a damaged tail, or has expired, is taken for a miss. Errors: ErrKey,
// ErrClosed, or what the file system says when a file cannot be opened.
func (c *Cache) Acquire(key Key, r Request) (*Entry, error) {
	if !key.Valid() {
		return nil, fmt.Errorf("cache entry %q: %w", key, ErrKey)
	}
	c.await()
	for {
		b, whole, err := c.join(key, r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.About, err)
		}
		if whole {
			err = c.open(b)
		}
		if err == nil {
			return &Entry{cache: c, body: b, about: r.About}, nil
		}
		if errors.Is(err, errStale) {
			c.logger.Debug("cached file cannot be used, filling it again", "key", key, "error", err)
			c.discard(b)
		}
		c.leave(b)
		if !errors.Is(err, errStale) {
			return nil, fmt.Errorf("%s: %w", r.About, err)
		}
	}
}

// join takes a hold on the body of a key, whole, growing or new.
func (c *Cache) join(key Key, r Request) (b *body, whole bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, false, ErrClosed
	}
	b, whole = c.whole[key]
	if whole {
		c.hits++
		c.unidleLocked(b)
		b.holders++
		b.refs++
		return b, true, nil
	}
	if b = c.live[key]; b != nil {
		c.shared++
		b.holders++
		b.refs++
		c.resumeLocked(b)
		return b, false, nil
	}
	c.misses++
	return c.startLocked(key, r), false, nil
}

// startLocked makes a new body, held once by the caller and once by its fill, and starts the fill.
func (c *Cache) startLocked(key Key, r Request) *body {
	b := newBody(key, c.stampLocked().UnixNano())
	b.path = filepath.Join(c.data, fileName{key: key, size: -1, created: b.created}.String())
	b.holders, b.refs = 1, 2
	b.expect, b.expires, b.start = r.Expect, r.Expires, r.About.Start
	ctx, cancel := context.WithCancelCause(context.Background())
	b.cancel = cancel
	c.live[key] = b
	c.claimLocked(b)
	path := b.path
	c.work.Go(func() { c.run(ctx, b, path, r) })
	return b
}

// open makes sure that the file of a whole entry is open. Two callers may both open it; the second closes its own, so
// no lock is held over I/O.
func (c *Cache) open(b *body) error {
	c.mu.Lock()
	expired := c.expiredLocked(b, time.Now())
	c.mu.Unlock()
	if expired {
		return errExpired
	}
	if b.backing.Load() != nil {
		return nil
	}
	opened, err := c.openWhole(b)
	if err != nil {
		if b.backing.Load() != nil { // somebody had it open before it went
			return nil
		}
		return err
	}
	if !b.backing.CompareAndSwap(nil, opened) {
		return opened.close()
	}
	c.touch(b)
	c.noteChange(b, opened.file)
	return nil
}

// openWhole opens the file of a whole entry and compares its length with what its name says. Of one that was there at the
// start, or was changed since it was last closed, it reads the tail as long as not every block was checked.
func (c *Cache) openWhole(b *body) (opened *backing, err error) {
	f, err := os.OpenFile(b.path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("%w: %w", errStale, err)
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // only read from
		}
	}()
	size := b.written.Load()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() != fileSize(size) {
		return nil, fmt.Errorf("%w: %d bytes, want %d", errStale, info.Size(), fileSize(size))
	}
	if c.trust(b, changeTime(info)) {
		return newBacking(f, nil), nil
	}
	t, err := readTail(f, size)
	if err != nil {
		if errors.Is(err, unix.EIO) {
			c.diskFailed(err)
		}
		return nil, fmt.Errorf("%w: %w", errStale, err)
	}
	proven, err := c.learn(b, t)
	if err != nil {
		return nil, err
	}
	return newBacking(f, &checks{size: size, sums: t.sums, proof: proven, buffers: &c.buffers}), nil
}

// learn takes in what the tail of an entry says that was found on disk, and gives what was checked of it.
func (c *Cache) learn(b *body, t tail) (*proof, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.start, b.expires = t.about.Start, t.expires
	if c.expiredLocked(b, time.Now()) {
		return nil, errExpired
	}
	if b.proven == nil {
		b.proven = newProof(b.written.Load())
	}
	return b.proven, nil
}

// touch notes the use of a whole entry as its file's times, which is how the order of use outlives the process. False
// if the file is gone.
func (c *Cache) touch(b *body) bool {
	c.mu.Lock()
	now := c.stampLocked()
	b.used, b.fresh = now, true
	c.mu.Unlock()
	err := os.Chtimes(b.path, now, now)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.logger.Debug("time of last use not kept", "key", b.key, "error", err)
	}
	return !errors.Is(err, fs.ErrNotExist)
}
