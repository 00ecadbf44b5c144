package fs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"sync"
	"syscall"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
)

// sizesAtOnce is how many look-ups of a mount fetch heads at once.
const sizesAtOnce = 16

// exactSizes has look-ups wait for the exact size of a clip (Options.ExactSizes), and tells what that cost.
type exactSizes struct {
	logger *slog.Logger
	// places bounds how many wait at once, patience how long one waits for a place.
	places   chan struct{}
	patience time.Duration

	// mu guards bills, by directory.
	mu    sync.Mutex
	bills map[string]*bill
}

// bill is what look-ups in a directory have cost, while any is under way or what it began to fetch is.
type bill struct {
	open, clips, calls int
	bytes              int64
	begun, answered    time.Time
}

// newExactSizes gives one that has measured nothing.
func newExactSizes(logger *slog.Logger, patience time.Duration) *exactSizes {
	return &exactSizes{logger: logger, places: make(chan struct{}, sizesAtOnce), patience: patience, bills: make(map[string]*bill)}
}

// measure makes the size of a version at a path exact.
func (s *exactSizes) measure(ctx context.Context, at string, v *version) error {
	if _, exact := v.content.Size(); exact {
		return nil
	}
	timer := time.NewTimer(s.patience)
	defer timer.Stop()
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("%s: %d look-ups that wait for exact sizes have all waited for %s: %w", at, sizesAtOnce, s.patience, archive.ErrUnreachable)
	}
	dir := path.Dir(at)
	s.begin(dir)
	err := v.clip.Measure(func() error {
		handle, err := v.content.open(ctx)
		if err != nil {
			return err
		}
		return handle.Close()
	}, func(bytes int64, calls int) { s.end(dir, bytes, calls) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.bills[dir]; b != nil {
		b.answered = time.Now()
	}
	return err
}

// begin counts a look-up in.
func (s *exactSizes) begin(dir string) {
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

// end counts it out, and tells what all of them have cost when it is the last.
func (s *exactSizes) end(dir string, bytes int64, calls int) {
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

// measured gives the version of the clip at a path whose size is exact: the one that there is, or a newer one where the footage is
// another by now. Programs on the list of --deny cause no fetching.
func (t *tree) measured(ctx context.Context, at string, v *version, find func(context.Context) (*clip.Clip, error)) (*version, syscall.Errno) {
	if _, exact := v.content.Size(); exact {
		return v, 0
	}
	if !t.deny.opens(ctx, at) {
		return nil, syscall.EACCES
	}
	errno := t.waitAs(ctx, t.opener(ctx), "lookup", at, func(ctx context.Context) error {
		for tries := 0; ; tries++ {
			err := t.sizes.measure(ctx, at, v)
			if !errors.Is(err, archive.ErrChanged) && !errors.Is(err, archive.ErrNoFootage) || tries == maxNewer {
				return err
			}
			c, gone := find(ctx)
			if gone != nil {
				return gone
			}
			v = t.versions.of(v.ino, c, v.kind)
		}
	})
	return v, errno
}
