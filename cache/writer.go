package cache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clipfs/cache/disk"

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
	// Apart has the entry be a file of just its bytes, with the checksums in another, so that the kernel can be given that file
	// (Entry.Backing). It is for entries of some size: each takes a block more.
	Apart bool
}

func (r Request) form() disk.Form {
	if r.Apart {
		return disk.Pair
	}
	return disk.Single
}

// Writer writes an entry for a Fill. It belongs to the goroutine of the fill, or to one that the fill hands it to, and must
// not be used after the fill has returned. Its errors do not name the entry.
type Writer struct {
	cache *Cache
	item  *item
	to    *storage
	// sums are those of the blocks that are whole, sum that of the one that is not.
	sums []uint32
	sum  uint32
	// unwritten is what was taken of the disk for the entry and is not written yet: the footer, between Appends.
	unwritten int64
	// diskError is why bytes go to memory.
	diskError error
}

// Append adds p at the end of the entry and wakes the readers that waited for it. p is not kept.
//
// While the entry has no holder it blocks, until it is acquired again or Linger has passed (ErrAbandoned). It also blocks
// while space is being made. Errors: ErrAbandoned, ErrClosed, ErrFull if neither disk nor memory has space,
// ErrOverrun if p goes past the announced size, or what the file system says. After an error none of p is
// readable; the fill should return.
func (w *Writer) Append(p []byte) error {
	at := w.item.content.written.Load()
	next := at + int64(len(p))
	if size, _, _ := w.item.content.state(); size >= 0 && next > size {
		return fmt.Errorf("%d bytes, %d announced: %w", next, size, ErrOverrun)
	}
	if !w.to.spilled() {
		err := w.appendFile(p, at)
		if err == nil {
			w.item.content.grow(next)
			return nil
		}
		if !noDisk(err) {
			return err
		}
		w.cache.diskFailed(err)
		w.diskError = err
	}
	from := min(at, w.to.from.Load())
	if more := chunksFor(next-from) - chunksFor(at-from); more > 0 {
		s := w.repeat(func() step { return w.cache.index.growMemory(w.item, more) })
		if errors.Is(s.err, ErrFull) {
			return fmt.Errorf("%w: %w", ErrFull, w.diskError)
		} else if s.err != nil {
			return s.err
		}
	}
	if !w.to.spilled() {
		w.to.spill(at)
	}
	w.to.put(p, at)
	w.item.content.grow(next)
	return nil
}

// ReadAt reads bytes that were appended.
func (w *Writer) ReadAt(p []byte, off int64) (int, error) { return w.to.readAt(p, off) }

func (w *Writer) appendFile(p []byte, at int64) error {
	taken, err := w.admit(at + int64(len(p)))
	if err != nil {
		return err
	}
	w.unwritten += taken
	_, err = w.to.file.WriteAt(p, at)
	end := at + int64(len(p))
	w.wrote(min(w.unwritten, w.form().Cost(end)-disk.Blocks(end)))
	if err != nil {
		return err
	}
	for len(p) > 0 {
		n := min(int64(len(p)), disk.SumBlock-at%disk.SumBlock)
		w.sum = disk.Castagnoli(w.sum, p[:n])
		if at += n; at%disk.SumBlock == 0 {
			w.sums, w.sum = append(w.sums, w.sum), 0
		}
		p = p[n:]
	}
	return nil
}

func (w *Writer) form() disk.Form { return w.item.file.Form() }

// finish has the entry be whole on disk.
func (w *Writer) finish(t disk.Footer) error {
	size := w.item.content.written.Load()
	t.Sums = w.sums
	if size%disk.SumBlock != 0 {
		t.Sums = append(t.Sums, w.sum)
	}
	if size == 0 { // what Append has admitted has space for the footer
		taken, err := w.admit(0)
		if err != nil {
			return err
		}
		w.unwritten += taken
	}
	name := disk.Name{Key: w.item.key, Size: size, Created: w.item.created, Role: w.form().Bytes()}
	return w.item.file.Seal(w.cache.dir, w.to.file, t, name)
}

// admit lets the entry grow to size bytes on disk: it waits while the fill is paused, then takes what the entry will cost,
// making space if need be. Only after that may the bytes be written, and wrote be told of the bytes taken. errNoDisk if
// there is no space.
func (w *Writer) admit(size int64) (taken int64, err error) {
	announced, _, _ := w.item.content.state()
	c, fits := w.cache, !w.cache.tooLarge(w.form(), max(size, announced))
	s := w.repeat(func() step {
		s := c.index.grow(w.item, w.form().Cost(size), fits)
		if s.taken > 0 {
			if missing := c.space.take(c.dir.Data, s.taken); missing > 0 {
				return c.index.shrink(w.item, s.taken, missing)
			}
		}
		return s
	})
	return s.taken, s.err
}

// repeat asks the accounting until it is done, and does what it says in between.
func (w *Writer) repeat(ask func() step) step {
	for {
		s := ask()
		if s.done || s.err != nil {
			return s
		}
		w.cache.evict(s.evict)
		if s.wait != nil {
			select {
			case <-s.wait:
			case <-w.item.quit:
			}
		}
	}
}

func (c *Cache) tooLarge(form disk.Form, size int64) bool {
	return size > disk.MaxEntry || form.Cost(size) > c.index.maxBytes
}

// costIf returns what an entry costs that may have so many bytes, 0 if that is not known.
func costIf(form disk.Form, size int64) int64 {
	if size <= 0 {
		return 0
	}
	return form.Cost(min(size, disk.MaxEntry))
}

// wrote reports that no more than so many of the bytes that were taken are still to be written.
func (w *Writer) wrote(left int64) {
	w.cache.space.wrote(w.unwritten - left)
	w.unwritten = left
}

// Announce tells the exact size that the entry will have, as soon as that is known. Readers learn it at once, and the claim
// of the budget becomes that. Errors: ErrOverrun if more is written already or another size was announced, ErrFull
// if that much can never be kept.
func (w *Writer) Announce(size int64) error {
	if size < 0 {
		return fmt.Errorf("announced size %d is negative: %w", size, ErrOverrun)
	}
	c := w.cache
	if c.tooLarge(w.form(), size) && size > c.index.memory.max {
		return fmt.Errorf("%d bytes, budget %d: %w", size, c.index.maxBytes, ErrFull)
	}
	if err := w.item.content.announce(size); err != nil {
		return fmt.Errorf("announce %d: %w", size, err)
	}
	c.index.expect(w.item, costIf(w.form(), size))
	return nil
}

// Written returns how many bytes the entry has.
func (w *Writer) Written() int64 { return w.item.content.written.Load() }

// fill makes the file of a new entry and fills it. A fill that panics or exits its goroutine counts as failed, so that no
// reader waits for it for ever.
func (c *Cache) fill(ctx context.Context, it *item, r Request) {
	defer c.index.fills.Done()
	err := errExited
	f, createErr := it.file.Grow(c.dir, it.key, it.created, r.form())
	w := &Writer{cache: c, item: it, to: newStorage(f, nil)}
	it.open.Store(w.to)
	defer func() { c.end(w, disk.Footer{About: r.About, Expires: r.Expires}, err) }()
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
func (c *Cache) end(w *Writer, t disk.Footer, err error) {
	it := w.item
	written := it.content.written.Load()
	if size, _, _ := it.content.state(); err == nil && size >= 0 && size != written {
		err = fmt.Errorf("%s: %d bytes of %d: %w", t.About, written, size, ErrShort)
	}
	e := ending{err: err, volatile: w.to.spilled()}
	e.sealed = err == nil && !e.volatile && c.seal(w, t)
	w.wrote(0)
	if !e.sealed && w.to.file != nil { // a disk that is read-only says so of missing files too
		e.stuck = !it.file.Remove(c.dir)
	}
	l, remove := c.index.end(it, e)
	c.finish(it, l)
	if remove {
		c.remove(it)
	}
}

// seal has a whole entry be kept. If that fails the holders still have every byte, but nothing is kept.
func (c *Cache) seal(w *Writer, t disk.Footer) bool {
	err := w.finish(t)
	if err == nil {
		return true
	}
	if noDisk(err) {
		c.diskFailed(err)
	}
	c.logger.Warn("whole entry cannot be kept", "entry", t.About, "error", err)
	return false
}
