package clip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"clipfs/cache"
)

// Handle is an open clip. It is safe for concurrent use.
type Handle struct {
	clip *Clip
	size int64

	// mu guards the rest. It is held while entries are swapped, never while one is waited for or read.
	mu     sync.RWMutex
	entry  *cache.Entry
	closed bool
}

// Size is the exact size in bytes.
func (h *Handle) Size() int64 { return h.size }

// Complete reports whether every byte is on disk, so that no read will wait for the archive.
func (h *Handle) Complete() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.entry.Complete()
}

// ReadAt reads as io.ReaderAt does and waits for no other bytes than those asked for. ctx ends the wait. After a
// download failed, or a cached file was found damaged, the payload is fetched anew; ErrChanged if the archive then no
// longer has this version.
func (h *Handle) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	for {
		entry, err := h.live(ctx)
		if err != nil {
			return 0, h.clip.note(fmt.Errorf("read %s %s: %w", h.clip.stream.Name, h.clip.span, err))
		}
		n, err := entry.ReadAt(ctx, p, off)
		switch {
		case err == nil, errors.Is(err, io.EOF):
			return n, err
		case errors.Is(err, cache.ErrReleased):
			continue // another read has replaced the entry; or the handle is closed, which live tells
		case errors.Is(err, cache.ErrDamaged):
			if err := h.replace(ctx, entry); err != nil {
				return 0, h.clip.note(fmt.Errorf("read %s %s: %w", h.clip.stream.Name, h.clip.span, err))
			}
			continue
		}
		return n, h.clip.note(fmt.Errorf("read %s %s at %d: %w", h.clip.stream.Name, h.clip.span, off, fetchError(err)))
	}
}

// live gives the entry to read from: the one at hand unless its download has failed.
func (h *Handle) live(ctx context.Context) (*cache.Entry, error) {
	for {
		h.mu.RLock()
		entry, closed := h.entry, h.closed
		h.mu.RUnlock()
		if closed {
			return nil, fmt.Errorf("handle is closed: %w", ErrInvalid)
		}
		failed := entry.Err()
		if failed == nil {
			return entry, nil
		}
		if errors.Is(failed, ErrChanged) {
			return nil, failed
		}
		if err := h.replace(ctx, entry); err != nil {
			return nil, err
		}
	}
}

// replace puts a fresh entry in the place of one that cannot be read, unless another read was quicker.
func (h *Handle) replace(ctx context.Context, old *cache.Entry) error {
	fresh, err := h.clip.acquire(ctx)
	if err != nil {
		return err
	}
	h.mu.Lock()
	spare := fresh
	if !h.closed && h.entry == old {
		h.entry, spare = fresh, old
	}
	h.mu.Unlock()
	spare.Release()
	return nil
}

// Close gives the handle up. What nobody else reads is fetched no further.
func (h *Handle) Close() error {
	h.mu.Lock()
	closed := h.closed
	h.closed = true
	h.mu.Unlock()
	if !closed {
		h.entry.Release() // nothing replaces the entry of a closed handle
	}
	return nil
}
