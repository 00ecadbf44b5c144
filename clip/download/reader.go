package download

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"clipfs/cache"
	"clipfs/clip/mp4"
)

// Reader reads a payload that it holds. It takes the payload up when it is first read, and again when the download failed or
// the file was damaged. It is safe for concurrent use.
type Reader struct {
	// take takes the entry up and waits until it is known to be the right one, of a size if that is not 0.
	take func(ctx context.Context, size int64) (*taken, error)
	// there reports whether the entry is whole, so that taking it up waits for nothing.
	there func() bool
	// served is told what is read, and whether it was there at once.
	served func(n int, there bool)

	// mu guards the rest. It is held while entries are swapped, never while one is waited for or read.
	mu     sync.RWMutex
	taken  *taken
	size   int64
	closed bool
}

// taken is an entry that was taken up. Position 0 of a Reader lies at base.
type taken struct {
	*cache.Entry
	key     cache.Key
	base    int64
	head    Head
	release func()
}

// ReadAt reads as io.ReaderAt does, and waits for no other bytes than those asked for.
func (r *Reader) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	for {
		t, err := r.live(ctx)
		if err != nil {
			return 0, err
		}
		there := t.Arrived(t.base + off + int64(len(p)))
		n, err := t.ReadAt(ctx, p, t.base+off)
		switch {
		case err == nil, errors.Is(err, io.EOF):
			r.served(n, there)
			return n, err
		case errors.Is(err, cache.ErrReleased):
			continue // another read has replaced the entry; or the Reader is closed, which live tells
		case errors.Is(err, cache.ErrDamaged):
			if err := r.replace(ctx, t); err != nil {
				return 0, err
			}
			continue
		}
		return n, fetchError(err)
	}
}

// Stored gives a file on disk, and where in it length of the n bytes from off on are; 0 where there are none, which ReadAt may bring. They
// count as read. It takes up what is whole and waits for nothing.
func (r *Reader) Stored(off, n int64) (f *os.File, at, length int64) {
	t := r.held()
	if t == nil && r.there() {
		waitsForNothing, end := context.WithCancel(context.Background())
		end()
		t, _ = r.live(waitsForNothing) // ReadAt tells why it cannot be taken up
	}
	if t == nil || t.Err() != nil {
		return nil, 0, 0
	}
	if f, length = t.Stored(t.base+off, n); length > 0 {
		r.served(int(length), true)
	}
	return f, t.base + off, length
}

// Backing gives the file that is just the payload, for the kernel to read from; false where there is none (cache.Entry.Backing).
func (r *Reader) Backing() (f *os.File, ok bool) {
	if t := r.held(); t != nil && t.base == 0 && t.Err() == nil {
		f, ok = t.Backing()
	}
	return f, ok
}

// held gives the entry that is held; nil if none is.
func (r *Reader) held() *taken {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.taken
}

// Stamp tells the payload that is held from what was there before under its key or will be, in other runs too; 0 where none is held.
func (r *Reader) Stamp() int64 {
	if t := r.held(); t != nil {
		return t.Created()
	}
	return 0
}

// Waits reports whether it is known that a read up to an offset has to wait. It never waits itself.
func (r *Reader) Waits(end int64) bool {
	t := r.held()
	return t != nil && !t.Arrived(t.base+end)
}

// live gives what to read from: what is held unless its download has failed.
func (r *Reader) live(ctx context.Context) (*taken, error) {
	for {
		r.mu.RLock()
		t, closed := r.taken, r.closed
		r.mu.RUnlock()
		switch {
		case closed:
			return nil, ErrClosed
		case t != nil && t.Err() == nil:
			return t, nil
		}
		if err := r.replace(ctx, t); err != nil {
			return nil, err
		}
	}
}

// replace puts a fresh entry in the place of one that cannot be read, or of none, unless another read was quicker.
func (r *Reader) replace(ctx context.Context, old *taken) error {
	r.mu.RLock()
	size := r.size
	r.mu.RUnlock()
	fresh, err := r.take(ctx, size)
	if err != nil {
		return err
	}
	r.mu.Lock()
	spare := fresh
	if !r.closed && r.taken == old {
		r.taken, spare = fresh, r.taken
	}
	r.mu.Unlock()
	if spare != nil {
		spare.release()
	}
	return nil
}

// Open waits until the payload is known to be the right one, and gives its size. From then on it has to be of that size.
func (r *Reader) Open(ctx context.Context) (int64, error) {
	t, err := r.live(ctx)
	if err != nil {
		return 0, err
	}
	size, err := t.Size(ctx)
	if err != nil {
		return 0, fetchError(err)
	}
	r.mu.Lock()
	r.size = size
	r.mu.Unlock()
	return size, nil
}

// Movie reads the moov of a payload of which that is known without waiting for media; nil if it is not.
func (r *Reader) Movie(ctx context.Context) (*mp4.Movie, error) {
	t, err := r.live(ctx)
	if err != nil {
		return nil, err
	}
	size, err := t.Size(ctx)
	for at := int64(0); err == nil && at < size; {
		box, end, err := readBoxHeader(ctx, t.Entry, at, size)
		switch {
		case err != nil || box.Type == mp4.TypeMdat && !t.Complete():
			return nil, err
		case box.Type == mp4.TypeMoov:
			moov, err := readRange(ctx, t.Entry, at, end)
			if err != nil {
				return nil, err
			}
			return mp4.ParseMovie(moov)
		}
		at = end
	}
	return nil, err
}

// Complete reports whether every byte is on disk.
func (r *Reader) Complete() bool {
	t := r.held()
	return t != nil && t.Complete()
}

// Done gives a channel that is closed when the download has ended, and Err why it failed, of a payload that is held.
func (r *Reader) Done() <-chan struct{} { return r.held().Done() }

// Err gives why the download of a payload that is held has failed; nil while it runs and where it ended well.
func (r *Reader) Err() error { return r.held().Err() }

// Close gives the payload up; a second call does nothing. Reads fail after it.
func (r *Reader) Close() {
	r.mu.Lock()
	t, closed := r.taken, r.closed
	r.closed = true
	r.mu.Unlock()
	if !closed && t != nil {
		t.release() // nothing replaces the entry of a closed Reader
	}
}
