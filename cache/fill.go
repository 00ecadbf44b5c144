package cache

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// run makes the file of a growing entry and fills it. A fill that panics or exits its goroutine counts as failed, so
// that nobody waits for it for ever.
func (c *Cache) run(ctx context.Context, b *body, path string, fill Fill) {
	err := errExited
	defer func() { c.finish(b, path, err) }()
	f, openErr := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if openErr != nil {
		err = openErr
		return
	}
	b.file.Store(f)
	err = fill(ctx, &Writer{cache: c, body: b, file: f})
}

// finish settles an entry whose fill has ended with err, and gives up the fill's reference.
//
// A whole entry gets its final name without an fsync. A killed process loses nothing by that, since the kernel has the
// bytes. After a power failure the file may be cut short, which its name tells, and what was lost can be fetched again;
// waiting for the disk once an entry would cost every download more than that.
func (c *Cache) finish(b *body, path string, err error) {
	if size := b.announced(); err == nil && size >= 0 && size != b.written.Load() {
		err = fmt.Errorf("%d bytes of %d: %w", b.written.Load(), size, ErrShort)
	}
	renamed := false
	if err == nil {
		path, renamed = c.rename(b, path)
	} else {
		err = fmt.Errorf("cache entry %s: %w", b.key, err)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live[b.key] == b {
		delete(c.live, b.key)
	}
	if b.timer != nil {
		b.timer.Stop()
	}
	b.ended = true
	b.path = path
	// A fill that ended well after it had been given up is kept, unless the key was taken up anew meanwhile.
	keep := renamed && c.whole[b.key] == nil && c.live[b.key] == nil
	if keep {
		c.whole[b.key] = b
		c.unmarkDyingLocked(b)
	} else {
		stuck := false
		c.settleLocked(func() { stuck = !c.remove(path) })
		b.stuck = stuck
	}
	// Readers are told last, with c.mu held until the fill's reference is gone: who releases the entry on this news is
	// then the last, so the order of use is that of the releases, and what a failed entry took is free after them.
	b.settle(err)
	b.cancel(nil)
	c.unrefLocked(b)
}

// rename gives a whole entry its final name. If that fails the holders still have every byte, but nothing is kept.
func (c *Cache) rename(b *body, part string) (path string, ok bool) {
	name := fileName{key: b.key, size: b.written.Load(), created: b.created}
	path = filepath.Join(c.data, name.String())
	if err := os.Rename(part, path); err != nil {
		c.logger.Warn("whole entry cannot be kept", "key", b.key, "error", err)
		return part, false
	}
	return path, true
}

// unmarkDyingLocked takes back that the bytes of an entry are about to be freed.
func (c *Cache) unmarkDyingLocked(b *body) {
	if b.dying {
		b.dying = false
		c.dying -= b.cost
	}
}
