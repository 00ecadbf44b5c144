package cache

import (
	"context"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// run makes the file of a growing entry and fills it. A fill that panics or exits its goroutine counts as failed, so
// that nobody waits for it for ever.
func (c *Cache) run(ctx context.Context, b *body, path string, r Request) {
	err := errExited
	w := &Writer{cache: c, body: b, table: crc32.MakeTable(crc32.Castagnoli)}
	defer func() { c.finish(w, path, tail{about: r.About, expires: r.Expires}, err) }()
	f, openErr := c.create(path)
	w.to = newBacking(f, nil)
	b.backing.Store(w.to)
	if openErr = w.makeFile(openErr); openErr != nil {
		err = openErr
		return
	}
	err = r.Fill(ctx, w)
}

// finish settles an entry whose fill has ended with err, which readers get as it is, and gives up the fill's reference.
//
// A whole entry gets its final name without an fsync. A killed process loses nothing by that, since the kernel has the
// bytes. After a power failure the file may be cut short or have blocks that were never written, which its name and its
// checksums tell, and what was lost can be fetched again; waiting for the disk once an entry would cost every download
// more than that.
func (c *Cache) finish(w *Writer, path string, t tail, err error) {
	b := w.body
	if size := b.announced(); err == nil && size >= 0 && size != b.written.Load() {
		err = fmt.Errorf("%s: %d bytes of %d: %w", t.about, b.written.Load(), size, ErrShort)
	}
	renamed, inMemory := false, w.to.spilled()
	if err == nil && !inMemory {
		path, renamed = c.seal(w, path, t)
		c.noteChange(b, w.to.file)
	}
	w.wrote(0)

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
	b.volatile = inMemory
	c.unclaimLocked(b)
	if !renamed && w.to.file != nil { // a disk that is read-only says so of what is not there too
		stuck := false
		c.settleLocked(func() { stuck = !c.remove(path) })
		b.stuck = stuck
	}
	// A fill that ended well after it had been given up is kept, unless the key was taken up anew meanwhile.
	switch taken := c.whole[b.key] != nil || c.live[b.key] != nil; {
	case renamed && taken:
		c.settleLocked(func() { b.stuck = !c.remove(path) })
	case renamed, inMemory && err == nil && !taken:
		c.whole[b.key] = b
		c.unmarkDyingLocked(b)
	}
	// Readers are told last, with c.mu held until the fill's reference is gone: who releases the entry on this news is
	// then the last, so the order of use is that of the releases, and what a failed entry took is free after them.
	b.settle(err)
	b.cancel(nil)
	c.unrefLocked(b)
}

// seal puts the tail behind a whole entry and gives the file its final name. If that fails the holders still have every
// byte, but nothing is kept.
func (c *Cache) seal(w *Writer, part string, t tail) (path string, ok bool) {
	b := w.body
	name := fileName{key: b.key, size: b.written.Load(), created: b.created}
	path = filepath.Join(c.data, name.String())
	err := w.finish(t)
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		if noDisk(err) {
			c.diskFailed(err)
		}
		c.logger.Warn("whole entry cannot be kept", "entry", t.about, "error", err)
		return part, false
	}
	return path, true
}

// unmarkDyingLocked takes back that the bytes of an entry are about to be freed.
func (c *Cache) unmarkDyingLocked(b *body) {
	if b.dying {
		b.dying = false
		c.dying -= b.cost
		c.dyingMemory -= b.memory
	}
}
