package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Fill brings the bytes of an entry, in order, with w. It runs in a goroutine of its own. ctx ends when the entry has had no
// holder for Linger, or the cache closes (context.Cause says which: ErrAbandoned, ErrClosed), or what it has written
// cannot be read (ErrDamaged). The fill must then return soon, because Close and fills that need space wait for it.
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

// fill makes the file of a new entry and fills it. A fill that panics or exits its goroutine counts as failed, so that no
// reader waits for it for ever.
func (c *Cache) fill(ctx context.Context, it *item, r Request) {
	defer c.index.fills.Done()
	err := errExited
	it.file.path = filepath.Join(c.dir.data, fileName{key: it.key, size: -1, created: it.created}.String())
	f, createErr := c.dir.create(it.file.path)
	w := &Writer{cache: c, item: it, to: newStorage(f, nil)}
	it.open.Store(w.to)
	defer func() { c.end(w, footer{about: r.About, expires: r.Expires}, err) }()
	if noDisk(createErr) || errors.Is(createErr, unix.ENFILE) {
		c.diskFailed(createErr)
		w.diskError = createErr
		w.to.spill(0)
	} else if createErr != nil {
		err = createErr
		return
	}
	err = r.Fill(ctx, w)
}

// end settles an entry whose fill has ended with err, which readers get as it is.
//
// A whole entry gets its final name without an fsync. A killed process loses nothing by that, since the kernel has the
// bytes. After a power failure the file may be cut short or have blocks that were never written. Its name and its
// checksums tell that, and what was lost can be fetched again; waiting for the disk once an entry would cost every
// download more than that.
func (c *Cache) end(w *Writer, t footer, err error) {
	it := w.item
	written := it.content.written.Load()
	if size := it.content.announced(); err == nil && size >= 0 && size != written {
		err = fmt.Errorf("%s: %d bytes of %d: %w", t.about, written, size, ErrShort)
	}
	e := ending{err: err, volatile: w.to.spilled()}
	e.sealed = err == nil && !e.volatile && c.seal(w, t)
	w.wrote(0)
	if !e.sealed && w.to.file != nil { // a disk that is read-only says so of missing files too
		e.stuck = !c.dir.remove(it.file.path)
	}
	l, remove := c.index.end(it, e)
	c.finish(it, l)
	if remove {
		c.remove(it)
	}
}

// seal puts the footer behind a whole entry and gives the file its final name. If that fails the holders still have every
// byte, but nothing is kept.
func (c *Cache) seal(w *Writer, t footer) bool {
	it := w.item
	name := fileName{key: it.key, size: it.content.written.Load(), created: it.created}
	path := filepath.Join(c.dir.data, name.String())
	err := w.finish(t)
	if err == nil {
		err = os.Rename(it.file.path, path)
	}
	if err != nil {
		if noDisk(err) {
			c.diskFailed(err)
		}
		c.logger.Warn("whole entry cannot be kept", "entry", t.about, "error", err)
		return false
	}
	it.file.path = path
	it.file.settled(w.to.file)
	return true
}
