package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync/atomic"
	"time"

	"clipfs/cache/disk"

	"golang.org/x/sys/unix"
)

// Entry is one holder's handle on the bytes under a key, from Acquire to Release. Its methods are safe for concurrent use.
// While it is held the entry is neither evicted nor, if it is growing, given up.
type Entry struct {
	cache *Cache
	item  *item
	// about is what the entry was acquired as.
	about    About
	released atomic.Bool
}

// Acquire returns the entry of a key: whole from disk, else the one that is being filled, else a new one, for which it
// starts the request's fill. It never waits for a fill. The caller must Release the entry. An error of the fill is not an
// error of Acquire: readers of the entry get it, and the next Acquire of the key starts again.
//
// A file that is missing, has the wrong size or a damaged footer, or has expired, is a miss. Errors: ErrKey, ErrClosed, or
// what the file system says when a file cannot be opened.
func (c *Cache) Acquire(key Key, r Request) (*Entry, error) {
	if !key.Valid() {
		return nil, fmt.Errorf("cache entry %q: %w", key, ErrKey)
	}
	c.await()
	for {
		it, whole, ctx, err := c.index.acquire(key, costIf(r.form(), r.Expect), r.About.Start, r.Expires)
		if err == nil && whole {
			err = c.open(it)
		}
		if ctx != nil {
			go c.fill(ctx, it, r)
		}
		if err == nil {
			return &Entry{cache: c, item: it, about: r.About}, nil
		}
		stale := errors.Is(err, disk.ErrStale)
		if stale {
			c.logger.Debug("cached file cannot be used, filling it again", "key", key, "error", err)
			c.discard(key, it.created)
		}
		if it != nil {
			c.release(it)
		}
		if !stale {
			return nil, fmt.Errorf("%s: %w", r.About, err)
		}
	}
}

// open makes sure that the file of a whole entry is open. Two callers may both open it; the second closes its own, so
// no lock is held over I/O.
func (c *Cache) open(it *item) error {
	if it.open.Load() != nil {
		return nil
	}
	file, checks, said, err := it.file.Open(c.dir, it.content.written.Load(), &c.buffers)
	opened := newStorage(file, checks)
	if err == nil && said != nil && !c.index.learn(it, said.About.Start, said.Expires) {
		err = errors.Join(errExpired, file.Close())
	}
	switch {
	case err == nil && it.open.CompareAndSwap(nil, opened):
		_ = it.file.Use(file, time.Now()) // closing tries again, and tells
		if checks != nil && it.file.Form() == disk.Pair {
			c.unproven.add(true, it.key)
		}
		return nil
	case err == nil:
		return file.Close()
	case it.open.Load() != nil: // another caller opened it before it went
		return nil
	case errors.Is(err, unix.EIO):
		c.diskFailed(err)
	}
	return err
}

// ReadAt reads len(p) bytes from off, as io.ReaderAt does: less only with an error, which is io.EOF at the end of the
// entry. It waits until the bytes [off, off+len(p)) have come, the end is known to lie before them, or the fill has
// failed. When ctx ends first it returns context.Cause(ctx). After a failure a read of bytes that had come before it still
// succeeds; any other gets the error of the fill.
//
// A read of bytes that have come takes no lock, ignores ctx and allocates nothing. The first read of a block of an entry
// that was there at the start checks it; ErrDamaged if it is not what was written.
func (e *Entry) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("%s: read at %d: negative offset", e.about, off)
	}
	if e.released.Load() {
		return 0, fmt.Errorf("%s: %w", e.about, ErrReleased)
	}
	if len(p) == 0 {
		return 0, nil
	}
	end := off + min(int64(len(p)), math.MaxInt64-off)
	if end <= e.item.content.written.Load() {
		return e.pread(p, off)
	}
	limit, err := e.item.content.wait(ctx, off, end)
	if err != nil {
		return 0, err
	}
	if limit <= off {
		return 0, io.EOF
	}
	n, err := e.pread(p[:limit-off], off)
	if err == nil && limit < end {
		err = io.EOF
	}
	return n, err
}

// Reader gives a whole entry as an io.ReaderAt: nothing has to be waited for.
func (e *Entry) Reader() io.ReaderAt { return entryReader{e} }

type entryReader struct{ entry *Entry }

func (r entryReader) ReadAt(p []byte, off int64) (int, error) {
	return r.entry.ReadAt(context.Background(), p, off)
}

// Stored gives the entry's file, and how many of the n bytes from off on are in it, at their own offset, and were checked if
// they have to be; 0 where ReadAt is to be asked. The file is open until Release, and not for the caller to close.
func (e *Entry) Stored(off, n int64) (f *os.File, length int64) {
	s := e.item.open.Load()
	if s == nil || s.file == nil || off < 0 || e.released.Load() {
		return nil, 0
	}
	length = min(n, e.item.content.written.Load()-off, s.from.Load()-off)
	if length <= 0 || s.checks != nil && !s.checks.Has(off, off+length) {
		return nil, 0
	}
	return s.file, length
}

func (e *Entry) pread(p []byte, off int64) (int, error) {
	from := e.item.open.Load()
	if from == nil { // released in this moment
		return 0, fmt.Errorf("%s: %w", e.about, ErrReleased)
	}
	n, err := from.readAt(p, off)
	if err == nil {
		return n, nil
	}
	return n, e.readError(off+int64(n), err)
}

// readError explains why bytes that have come cannot be read, and drops the entry if that is to blame: the next Acquire
// fills it again.
func (e *Entry) readError(at int64, err error) error {
	switch {
	case errors.Is(err, os.ErrClosed):
		return fmt.Errorf("%s: %w", e.about, ErrReleased)
	case errors.Is(err, unix.EIO):
		e.cache.diskFailed(err)
	case errors.Is(err, io.EOF):
		err = errors.New("the file ends here")
	case !errors.Is(err, disk.ErrSum):
		return fmt.Errorf("%s: %w", e.about, err)
	}
	e.cache.logger.Debug("damaged entry", "key", e.item.key)
	e.cache.logger.Warn("cached footage is damaged and will be fetched again", "entry", e.about, "at", at, "error", err)
	e.cache.discard(e.item.key, e.item.created)
	return fmt.Errorf("%s at %d: %w: %w", e.about, at, ErrDamaged, err)
}

// Arrived reports whether all bytes before end have come, or all of the entry, so that a read of them does not wait.
func (e *Entry) Arrived(end int64) bool {
	return end <= e.item.content.written.Load() || e.Complete()
}

// Size returns the exact size in bytes. It waits until the fill has announced it or ended. It returns the error of a fill
// that failed before that, or the cause of ctx when that ends first.
func (e *Entry) Size(ctx context.Context) (int64, error) {
	select {
	case <-e.item.content.ready:
	case <-ctx.Done():
	}
	switch size, done, err := e.item.content.state(); {
	case size >= 0:
		return size, nil
	case done:
		return 0, err
	}
	return 0, context.Cause(ctx)
}

// Done returns a channel that is closed when the fill has ended, in success or failure.
func (e *Entry) Done() <-chan struct{} { return e.item.content.over }

// Created is when the entry's fill began, as Cache.Created gives it.
func (e *Entry) Created() int64 { return e.item.created }

// Complete reports whether the fill has succeeded: every byte has come, and no read waits or fails any more.
func (e *Entry) Complete() bool {
	_, done, err := e.item.content.state()
	return done && err == nil
}

// Err returns why the fill failed; nil while it runs and when it succeeded.
func (e *Entry) Err() error {
	_, _, err := e.item.content.state()
	return err
}

// Release gives up the handle; a second call does nothing. Reads that still run may fail with ErrReleased.
func (e *Entry) Release() {
	if !e.released.Swap(true) {
		e.cache.release(e.item)
	}
}
