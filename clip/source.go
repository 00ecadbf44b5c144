package clip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"clipfs/cache"
	"clipfs/clip/archive"
)

// source is an entry of the cache that a handle reads from. It is taken up when it is first read, and again when its
// download failed or its file was damaged. It is safe for concurrent use.
type source struct {
	// take takes the entry up, waits until it is known to be the right one, and tells where in it position 0 lies.
	take func(ctx context.Context) (taken, error)
	// counts takes what is read.
	counts *counts

	// mu guards the rest. It is held while entries are swapped, never while one is waited for or read.
	mu     sync.RWMutex
	taken  taken
	closed bool
}

// taken is an entry that was taken up; release gives it back.
type taken struct {
	entry   *cache.Entry
	base    int64
	release func()
}

// errClosed: a handle is read after it was closed.
var errClosed = fmt.Errorf("handle is closed: %w", archive.ErrInvalid)

// readAt reads as io.ReaderAt does, from position off, and waits for no other bytes than those asked for.
func (s *source) readAt(ctx context.Context, p []byte, off int64) (int, error) {
	for {
		t, err := s.live(ctx)
		if err != nil {
			return 0, err
		}
		there := t.entry.Arrived(t.base + off + int64(len(p)))
		n, err := t.entry.ReadAt(ctx, p, t.base+off)
		switch {
		case err == nil, errors.Is(err, io.EOF):
			s.counts.read(n, there)
			return n, err
		case errors.Is(err, cache.ErrReleased):
			continue // another read has replaced the entry; or the source is closed, which live tells
		case errors.Is(err, cache.ErrDamaged):
			if err := s.replace(ctx, t.entry); err != nil {
				return 0, err
			}
			continue
		}
		return n, fetchError(err)
	}
}

// waits reports whether it is known that who reads up to an offset has to wait. It never waits itself.
func (s *source) waits(end int64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.taken.entry != nil && !s.taken.entry.Arrived(s.taken.base+end)
}

// live gives what to read from: what is at hand unless its download has failed.
func (s *source) live(ctx context.Context) (taken, error) {
	for {
		s.mu.RLock()
		t, closed := s.taken, s.closed
		s.mu.RUnlock()
		switch {
		case closed:
			return taken{}, errClosed
		case t.entry != nil && t.entry.Err() == nil:
			return t, nil
		}
		if err := s.replace(ctx, t.entry); err != nil {
			return taken{}, err
		}
	}
}

// replace puts a fresh entry in the place of one that cannot be read, or of none, unless another read was quicker.
func (s *source) replace(ctx context.Context, old *cache.Entry) error {
	fresh, err := s.take(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	spare := fresh
	if !s.closed && s.taken.entry == old {
		s.taken, spare = fresh, s.taken
	}
	s.mu.Unlock()
	if spare.release != nil {
		spare.release()
	}
	return nil
}

// complete reports whether every byte is on disk.
func (s *source) complete() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.taken.entry != nil && s.taken.entry.Complete()
}

// close gives the entry back. Reads fail after it.
func (s *source) close() {
	s.mu.Lock()
	t, closed := s.taken, s.closed
	s.closed = true
	s.mu.Unlock()
	if !closed && t.release != nil {
		t.release() // nothing replaces the entry of a closed source
	}
}
