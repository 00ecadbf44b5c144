package cache

import (
	"errors"
	"fmt"
	"hash/crc32"

	"golang.org/x/sys/unix"
)

// Writer is what a Fill writes an entry with. It belongs to the goroutine of the fill, or to one it hands it to, and
// must not be used after the fill has returned. Its errors do not name the entry: what the fill returns is told to readers
// with the key before it.
type Writer struct {
	cache *Cache
	body  *body
	to    *backing
	table *crc32.Table
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
	at := w.body.written.Load()
	next := at + int64(len(p))
	if size := w.body.announced(); size >= 0 && next > size {
		return fmt.Errorf("%d bytes, %d announced: %w", next, size, ErrOverrun)
	}
	if !w.to.spilled() {
		err := w.appendFile(p, at)
		if err == nil {
			w.body.grow(next)
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
		if err := w.cache.admitMemory(w.body, more); errors.Is(err, ErrFull) {
			return fmt.Errorf("%w: %w", ErrFull, w.diskError)
		} else if err != nil {
			return err
		}
	}
	if !w.to.spilled() {
		w.to.spill(at)
	}
	w.to.put(p, at)
	w.body.grow(next)
	return nil
}

// appendFile writes p to the file once there is space for it.
func (w *Writer) appendFile(p []byte, at int64) error {
	taken, err := w.cache.admit(w.body, at+int64(len(p)))
	if err != nil {
		return err
	}
	w.unwritten += taken
	_, err = w.to.file.WriteAt(p, at)
	end := at + int64(len(p))
	w.wrote(min(w.unwritten, blocks(fileSize(end))-blocks(end)))
	if err != nil {
		return err
	}
	for len(p) > 0 {
		n := min(int64(len(p)), sumBlock-at%sumBlock)
		w.sum = crc32.Update(w.sum, w.table, p[:n])
		if at += n; at%sumBlock == 0 {
			w.sums, w.sum = append(w.sums, w.sum), 0
		}
		p = p[n:]
	}
	return nil
}

// finish writes the tail behind the bytes.
func (w *Writer) finish(t tail) error {
	size := w.body.written.Load()
	t.sums = w.sums
	if size%sumBlock != 0 {
		t.sums = append(t.sums, w.sum)
	}
	taken, ok := w.cache.admitNow(w.body, size)
	if !ok {
		return errNoDisk
	}
	w.unwritten += taken
	_, err := w.to.file.WriteAt(t.encode(size), size)
	return err
}

// wrote tells that no more than so many of the bytes that were taken are still to be written.
func (w *Writer) wrote(left int64) {
	w.cache.room.wrote(w.unwritten - left)
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
	if c.tooLarge(size) && size > c.room.maxMemory {
		return fmt.Errorf("%d bytes, budget %d: %w", size, c.maxBytes, ErrFull)
	}
	if err := w.body.announce(size); err != nil {
		return fmt.Errorf("announce %d: %w", size, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w.body.expect = size
	c.claimLocked(w.body)
	return nil
}

// Held reports whether anybody holds the entry. If not, Append will block.
func (w *Writer) Held() bool {
	w.cache.mu.Lock()
	defer w.cache.mu.Unlock()
	return w.body.holders > 0
}

// Written gives how many bytes the entry has.
func (w *Writer) Written() int64 { return w.body.written.Load() }

// makeFile tells what a file that could not be made means: nil if memory has to do.
func (w *Writer) makeFile(err error) error {
	if err == nil {
		return nil
	}
	if !noDisk(err) && !errors.Is(err, unix.ENFILE) {
		return err
	}
	w.cache.diskFailed(err)
	w.diskError = err
	w.to.spill(0)
	return nil
}
