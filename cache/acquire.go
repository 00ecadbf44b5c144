package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
