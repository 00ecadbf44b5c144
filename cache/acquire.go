package cache

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

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
	expect := int64(0)
	if r.Expect > 0 {
		expect = costOf(r.Expect)
	}
	for {
		h, ctx, err := c.index.acquire(key, expect, r.About.Start, r.Expires)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.About, err)
		}
		switch {
		case ctx != nil:
			go c.fill(ctx, h.item, r)
		case h.expired:
			err = errExpired
		case h.whole:
			err = c.open(h.item, h.used)
		}
		if err == nil {
			return &Entry{cache: c, item: h.item, about: r.About}, nil
		}
		stale := errors.Is(err, errStale)
		if stale {
			c.logger.Debug("cached file cannot be used, filling it again", "key", key, "error", err)
			c.discard(h.item)
		}
		c.release(h.item)
		if !stale {
			return nil, fmt.Errorf("%s: %w", r.About, err)
		}
	}
}

// open makes sure that the file of a whole entry is open. Two callers may both open it; the second closes its own, so
// no lock is held over I/O.
func (c *Cache) open(it *item, used time.Time) error {
	if it.open.Load() != nil {
		return nil
	}
	opened, said, err := it.file.open(it.content.written.Load(), &c.buffers)
	if err == nil && said != nil && !c.index.learn(it, said.about.Start, said.expires) {
		err = errors.Join(errExpired, opened.close())
	}
	switch {
	case err == nil && it.open.CompareAndSwap(nil, opened):
		if err := it.file.use(opened.file, used); err != nil {
			c.logger.Debug("time of last use not kept", "key", it.key, "error", err)
		}
		return nil
	case err == nil:
		return opened.close()
	case it.open.Load() != nil: // another caller opened it before it went
		return nil
	case errors.Is(err, unix.EIO):
		c.diskFailed(err)
	}
	return err
}
