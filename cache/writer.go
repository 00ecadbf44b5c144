package cache

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Writer is what a Fill writes an entry with. It belongs to the goroutine of the fill, or to one it hands it to, and
// must not be used after the fill has returned. Its errors do not name the entry: what the fill returns is told to readers
// with the key before it.
type Writer struct {
	cache *Cache
	body  *body
	file  *os.File
}

// Append adds p at the end of the entry and wakes the readers that waited for it. p is not kept.
//
// While nobody holds the entry it blocks: until somebody acquires it again, or Linger has passed (ErrAbandoned). It
// blocks too while space is being made. Errors: ErrAbandoned, ErrClosed, ErrFull if no space can be made or the disk is
// full, ErrOverrun if p goes past the announced size, or what the file system says. After an error none of p is
// readable; the fill should return.
func (w *Writer) Append(p []byte) error {
	at := w.body.written.Load()
	next := at + int64(len(p))
	if size := w.body.announced(); size >= 0 && next > size {
		return fmt.Errorf("%d bytes, %d announced: %w", next, size, ErrOverrun)
	}
	if err := w.cache.admit(w.body, next); err != nil {
		return err
	}
	if _, err := w.file.WriteAt(p, at); err != nil {
		if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
		return err
	}
	w.body.grow(next)
	return nil
}

// Announce tells the exact size that the entry will have, as soon as that is known; readers learn it at once. Errors:
// ErrOverrun if more is written already or another size was announced, ErrFull if that much can never be kept.
func (w *Writer) Announce(size int64) error {
	if size < 0 {
		return fmt.Errorf("announced size %d is negative: %w", size, ErrOverrun)
	}
	if blocks(size) > w.cache.maxBytes {
		return fmt.Errorf("%d bytes, budget %d: %w", size, w.cache.maxBytes, ErrFull)
	}
	if err := w.body.announce(size); err != nil {
		return fmt.Errorf("announce %d: %w", size, err)
	}
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
