package tree

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"sync"
	"time"

	"clipfs/clip/archive"
)

// sizesAtOnce is how many files of a tree are measured at once.
const sizesAtOnce = 16

// sizes makes the sizes of files exact, and tells what that cost.
type sizes struct {
	logger *slog.Logger
	// places bounds how many are measured at once, patience how long one waits for a place.
	places   chan struct{}
	patience time.Duration

	// mu guards bills, by directory.
	mu    sync.Mutex
	bills map[string]*bill
}

// bill is what measuring in a directory has cost, while any of it is under way or what it began to fetch is.
type bill struct {
	open, clips, calls int
	bytes              int64
	begun, answered    time.Time
}

func newSizes(logger *slog.Logger, patience time.Duration) *sizes {
	return &sizes{logger: logger, places: make(chan struct{}, sizesAtOnce), patience: patience, bills: make(map[string]*bill)}
}

// measure makes the size of a file exact, once there is a place.
func (s *sizes) measure(ctx context.Context, f *File) error {
	if _, exact := f.Size(); exact || f.measured == nil {
		return nil
	}
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(s.patience):
		return fmt.Errorf("%s: %d look-ups that wait for exact sizes have all waited for %s: %w", f.Path, sizesAtOnce, s.patience, archive.ErrUnreachable)
	}
	dir := path.Dir(f.Path)
	s.begin(dir)
	err := f.measured(func() error {
		c, err := f.Open(ctx)
		if err != nil {
			return err
		}
		return c.Close()
	}, func(bytes int64, calls int) { s.end(dir, bytes, calls) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.bills[dir]; b != nil {
		b.answered = time.Now()
	}
	return err
}

// begin adds a file to the bill of its directory.
func (s *sizes) begin(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bills[dir]
	if b == nil {
		now := time.Now()
		b = &bill{begun: now, answered: now}
		s.bills[dir] = b
	}
	b.open++
	b.clips++
}

// end adds what a file has cost, and logs the bill after the last one.
func (s *sizes) end(dir string, bytes int64, calls int) {
	s.mu.Lock()
	b := s.bills[dir]
	b.open--
	b.bytes += bytes
	b.calls += calls
	last := b.open == 0
	if last {
		delete(s.bills, dir)
	}
	s.mu.Unlock()
	if last && b.calls > 0 {
		s.logger.Info("exact sizes fetched", "dir", dir, "clips", b.clips, "bytes", b.bytes, "calls", b.calls,
			"took", b.answered.Sub(b.begun).Round(time.Millisecond))
	}
}
