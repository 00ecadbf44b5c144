package cache

import (
	"errors"
	"fmt"
)

// Writer is what a Fill writes an entry with. It belongs to the goroutine of the fill, or to one it hands it to, and
// must not be used after the fill has returned. Its errors do not name the entry: what the fill returns is told to readers
// with the key before it.
type Writer struct {
	cache *Cache
	item  *item
	to    *storage
	// sums are those of the blocks that are whole, sum that of the one that is not.
	sums []uint32
	sum  uint32
	// unwritten is what was taken of the disk for the entry and is not written yet: of the tail, between Appends.
	unwritten int64
	// diskError is why bytes go to memory.
	diskError error
}

// Append adds p at the end of the entry and wakes the readers that waited for it. p is not kept.
//
// While nobody holds the entry it blocks: until somebody acquires it again, or Linger has passed (ErrAbandoned). It
// blocks too while space is being made. Errors: ErrAbandoned, ErrClosed, ErrFull if neither disk nor memory has space,
// ErrOverrun if p goes past the announced size, or what the file system says. After an error none of p is
// readable; the fill should return.
func (w *Writer) Append(p []byte) error {
	at := w.item.content.written.Load()
	next := at + int64(len(p))
	if size := w.item.content.announced(); size >= 0 && next > size {
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

// appendFile writes p to the file once there is space for it.
func (w *Writer) appendFile(p []byte, at int64) error {
	taken, err := w.admit(at + int64(len(p)))
	if err != nil {
		return err
	}
	w.unwritten += taken
	_, err = w.to.file.WriteAt(p, at)
	end := at + int64(len(p))
	w.wrote(min(w.unwritten, costOf(end)-blocks(end)))
	if err != nil {
		return err
	}
	for len(p) > 0 {
		n := min(int64(len(p)), sumBlock-at%sumBlock)
		w.sum = extendSum(w.sum, p[:n])
		if at += n; at%sumBlock == 0 {
			w.sums, w.sum = append(w.sums, w.sum), 0
		}
		p = p[n:]
	}
	return nil
}

// finish writes the footer behind the bytes.
func (w *Writer) finish(t footer) error {
	size := w.item.content.written.Load()
	t.sums = w.sums
	if size%sumBlock != 0 {
		t.sums = append(t.sums, w.sum)
	}
	if size == 0 { // what Append has admitted has space for the footer
		taken, err := w.admit(0)
		if err != nil {
			return err
		}
		w.unwritten += taken
	}
	_, err := w.to.file.WriteAt(t.encode(size), size)
	return err
}

// admit lets the entry grow to size bytes on disk: it waits while the fill is paused, then takes what the entry will cost,
// making space if need be. Only after that may the bytes be written, and wrote be told of the bytes taken. errNoDisk if
// there is no space.
func (w *Writer) admit(size int64) (taken int64, err error) {
	c, fits := w.cache, !w.cache.tooLarge(max(size, w.item.content.announced()))
	s := w.repeat(func() step {
		s := c.index.grow(w.item, costOf(size), fits)
		if s.taken > 0 {
			if missing := c.space.take(c.dir.data, s.taken); missing > 0 {
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

// tooLarge reports whether an entry of so many bytes can never be on disk.
func (c *Cache) tooLarge(size int64) bool { return size > maxEntry || costOf(size) > c.index.maxBytes }

// wrote tells that no more than so many of the bytes that were taken are still to be written.
func (w *Writer) wrote(left int64) {
	w.cache.space.wrote(w.unwritten - left)
	w.unwritten = left
}

// Announce tells the exact size that the entry will have, as soon as that is known; readers learn it at once, and what is
// claimed of the budget becomes that. Errors: ErrOverrun if more is written already or another size was announced, ErrFull
// if that much can never be kept.
func (w *Writer) Announce(size int64) error {
	if size < 0 {
		return fmt.Errorf("announced size %d is negative: %w", size, ErrOverrun)
	}
	c := w.cache
	if c.tooLarge(size) && size > c.index.memory.max {
		return fmt.Errorf("%d bytes, budget %d: %w", size, c.index.maxBytes, ErrFull)
	}
	if err := w.item.content.announce(size); err != nil {
		return fmt.Errorf("announce %d: %w", size, err)
	}
	if size > 0 {
		c.index.expect(w.item, costOf(size))
	}
	return nil
}

// Written returns how many bytes the entry has.
func (w *Writer) Written() int64 { return w.item.content.written.Load() }
