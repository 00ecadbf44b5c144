package still

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/download"
)

// maxTries is how often a still is taken up whose entry was given up or found damaged just now.
const maxTries = 3

// Handle is an open still. It is safe for concurrent use.
type Handle struct {
	entry *cache.Entry
	size  int64
}

// Open waits until the picture is there, and gives a handle. ErrNoFootage and ErrNoImage where the service has none; ErrChanged if there is
// another version by now; ErrDenied where stills are off; ErrOpenWait past MaxOpenWait.
func (s *Still) Open(ctx context.Context) (*Handle, error) {
	h, err := s.open(ctx)
	if err != nil {
		return nil, s.note(fmt.Errorf("still of %s at %s: %w", s.stream.Name, formatTime(s.at), err))
	}
	s.failure.Store(nil)
	return h, nil
}

func (s *Still) open(ctx context.Context) (*Handle, error) {
	o := s.source.options
	if o.Off {
		return nil, errOff
	}
	for try := 1; ; try++ {
		h, err := s.hold(ctx)
		switch {
		case err == nil && o.Versions.Current(s.key) != s.version:
			_ = h.Close()
			return nil, fmt.Errorf("it is another picture now: %w", archive.ErrChanged)
		case err == nil:
			s.exact.Store(h.size)
			return h, nil
		case try == maxTries || ctx.Err() != nil || !errors.Is(err, cache.ErrAbandoned) && !errors.Is(err, cache.ErrDamaged):
			return nil, err
		}
	}
}

// hold takes the entry up, and waits until it is whole.
func (s *Still) hold(ctx context.Context) (*Handle, error) {
	entry, err := s.source.options.Store.Acquire(s.key, cache.Request{Fill: s.fill(download.ByOf(ctx)), Expires: s.expires, About: s.about()})
	if err != nil {
		return nil, err
	}
	h := &Handle{entry: entry}
	var late <-chan time.Time
	if most := s.source.options.MaxOpenWait; most > 0 {
		late = time.After(most)
	}
	select {
	case <-entry.Done():
		err = entry.Err()
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-late:
		go func() { // the next try finds it
			<-entry.Done()
			entry.Release()
		}()
		return nil, archive.ErrOpenWait
	}
	if err == nil {
		h.size, err = entry.Size(ctx)
	}
	if err == nil {
		return h, nil
	}
	entry.Release()
	if errors.Is(err, cache.ErrFull) {
		err = fmt.Errorf("%w: %w", archive.ErrNoSpace, err)
	}
	return nil, err
}

// Size is exact, in bytes.
func (h *Handle) Size() int64 { return h.size }

// ReadAt reads as io.ReaderAt does. It waits for nothing.
func (h *Handle) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	return h.entry.ReadAt(ctx, p, off)
}

// Complete is always so.
func (h *Handle) Complete() bool { return true }

// Close lets go of the picture.
func (h *Handle) Close() error {
	h.entry.Release()
	return nil
}
