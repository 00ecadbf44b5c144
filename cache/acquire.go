package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Fill brings the bytes of an entry, in order, with w. It runs in a goroutine of its own. ctx ends when nobody has held
// the entry for Linger, or the cache closes (context.Cause says which: ErrAbandoned, ErrClosed); the fill must then
// return soon, because Close and fills that need space wait for it. Returning nil says that the entry is whole.
type Fill func(ctx context.Context, w *Writer) error

// Acquire gives the entry of a key: whole from disk, else the one that is being filled, shared, else a new one, for
// which it starts fill. It never waits for a fill. The caller must Release the entry. An error of the fill is not an
// error of Acquire: readers of the entry get it, and the next Acquire of the key starts anew.
//
// A file that is missing or has the wrong size is taken for a miss. Errors: ErrKey, ErrClosed, or what the file system
// says when a file cannot be opened.
func (c *Cache) Acquire(key Key, fill Fill) (*Entry, error) {
	if !key.Valid() {
		return nil, fmt.Errorf("cache entry %q: %w", key, ErrKey)
	}
	for {
		b, whole, err := c.join(key, fill)
		if err != nil {
			return nil, fmt.Errorf("cache entry %s: %w", key, err)
		}
		if whole {
			err = c.open(b)
		}
		if err == nil {
			return &Entry{cache: c, body: b}, nil
		}
		if errors.Is(err, errStale) {
			c.logger.Warn("cached file is missing or damaged, filling it again", "key", key, "error", err)
			c.discard(b)
		}
		c.leave(b)
		if !errors.Is(err, errStale) {
			return nil, fmt.Errorf("cache entry %s: %w", key, err)
		}
	}
}

// join takes a hold on the body of a key, whole, growing or new.
func (c *Cache) join(key Key, fill Fill) (b *body, whole bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, false, ErrClosed
	}
	b, whole = c.whole[key]
	if whole {
		c.hits++
		c.idle.Remove(key)
		b.holders++
		b.refs++
		return b, true, nil
	}
	if b = c.live[key]; b != nil {
		c.shared++
		c.resumeLocked(b)
		b.holders++
		b.refs++
		return b, false, nil
	}
	c.misses++
	return c.startLocked(key, fill), false, nil
}

// startLocked makes a new body, held once by the caller and once by its fill, and starts the fill.
func (c *Cache) startLocked(key Key, fill Fill) *body {
	b := newBody(key, c.stampLocked().UnixNano())
	b.path = filepath.Join(c.data, fileName{key: key, size: -1, created: b.created}.String())
	b.holders, b.refs = 1, 2
	ctx, cancel := context.WithCancelCause(context.Background())
	b.cancel = cancel
	c.live[key] = b
	path := b.path
	c.fills.Go(func() { c.run(ctx, b, path, fill) })
	return b
}

// open makes sure that the file of a whole entry is open. Two callers may both open it; the second closes its own, so
// no lock is held over I/O.
func (c *Cache) open(b *body) error {
	if b.file.Load() != nil {
		return nil
	}
	f, err := c.openWhole(b)
	if err != nil {
		if b.file.Load() != nil { // somebody had it open before it went
			return nil
		}
		return err
	}
	if !b.file.CompareAndSwap(nil, f) {
		return f.Close()
	}
	c.touch(b)
	return nil
}

// openWhole opens the file of a whole entry and compares its size with what its name says.
func (c *Cache) openWhole(b *body) (*os.File, error) {
	f, err := os.Open(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", errStale, err)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() != b.written.Load()) {
		err = fmt.Errorf("%w: %d bytes, want %d", errStale, info.Size(), b.written.Load())
	}
	if err != nil {
		_ = f.Close() // only read from
		return nil, err
	}
	return f, nil
}

// touch notes the use of a whole entry as its file's times, which is how the order of use outlives the process. False
// if the file is gone.
func (c *Cache) touch(b *body) bool {
	c.mu.Lock()
	now := c.stampLocked()
	c.mu.Unlock()
	err := os.Chtimes(b.path, now, now)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.logger.Debug("time of last use not kept", "key", b.key, "error", err)
	}
	return !errors.Is(err, fs.ErrNotExist)
}

// discard drops a whole entry from the index because its file is not what it should be. Holders keep what they have open.
func (c *Cache) discard(b *body) {
	c.mu.Lock()
	defer c.mu.Unlock()
	indexed := c.whole[b.key] == b
	if !indexed {
		return
	}
	delete(c.whole, b.key)
	c.idle.Remove(b.key)
	b.refs++ // its cost must not be given back before the file is gone
	path := b.path
	removed := false
	c.settleLocked(func() { removed = c.remove(path) })
	b.stuck = !removed
	c.unrefLocked(b)
}

// leave gives up one holder's hold. A growing entry that has lost its last holder is parked.
func (c *Cache) leave(b *body) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.holders--
	if b.holders == 0 && !b.ended && b.cause == nil {
		c.parkLocked(b)
	}
	c.unrefLocked(b)
}

// unrefLocked gives up one reference. The last one closes the file; then a whole entry can be evicted, any other is done
// with. The reference is kept while the file is being closed, with c.mu unlocked: until then the entry must not count as
// gone.
func (c *Cache) unrefLocked(b *body) {
	for b.refs == 1 {
		f := b.file.Swap(nil)
		if f == nil {
			break
		}
		whole := c.whole[b.key] == b
		c.settleLocked(func() {
			if whole && !c.touch(b) {
				c.discard(b)
			}
			if err := f.Close(); err != nil {
				c.logger.Warn("cached file did not close", "key", b.key, "error", err)
			}
		})
	}
	b.refs--
	if b.refs == 0 {
		if c.whole[b.key] == b {
			c.idle.Add(b.key, b)
			c.wakeLocked()
		} else {
			c.freeLocked(b)
		}
	}
}

// settleLocked does I/O with c.mu unlocked, on an entry that may be free after it: fills that need space wait for that.
func (c *Cache) settleLocked(do func()) {
	c.settling++
	c.mu.Unlock()
	do()
	c.mu.Lock()
	c.settling--
	c.wakeLocked()
}

// parkLocked lets the fill of an entry that nobody holds rest, and sets the time after which it is given up.
func (c *Cache) parkLocked(b *body) {
	b.parks++
	parks := b.parks
	b.parked = time.Now()
	b.resumed = make(chan struct{})
	b.timer = time.AfterFunc(c.linger, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if b.parks == parks && b.resumed != nil && !b.ended && b.cause == nil {
			c.stopLocked(b, ErrAbandoned)
		}
	})
}

// resumeLocked lets the fill of a parked entry go on.
func (c *Cache) resumeLocked(b *body) {
	if b.resumed == nil {
		return
	}
	b.timer.Stop()
	close(b.resumed)
	b.resumed = nil
}

// stopLocked ends a fill: it is no longer found, and its context ends.
func (c *Cache) stopLocked(b *body, cause error) {
	if c.live[b.key] == b {
		delete(c.live, b.key)
	}
	b.cause = cause
	if b.holders == 0 {
		b.dying = true
		c.dying += b.cost
	}
	if b.timer != nil {
		b.timer.Stop()
	}
	close(b.quit)
	b.cancel(cause)
}
