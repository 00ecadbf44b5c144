package clip

import (
	"context"
	"errors"
	"fmt"

	"clipfs/cache"
	"clipfs/clip/archive"
)

// fetchError puts what the cache says into this package's words.
func fetchError(err error) error {
	switch {
	case errors.Is(err, cache.ErrFull):
		return fmt.Errorf("%w: %w", archive.ErrNoSpace, err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", archive.ErrUnreachable, err)
	}
	return err
}

// shortError: a payload has less than the timeline says. It is an ErrChanged.
type shortError struct {
	detail string
	// hole is the run of the fragments asked for that has no picture, [from, to), where that is known.
	hole  [2]int
	shown shown
}

// Error implements error.
func (e *shortError) Error() string { return e.detail }

// Unwrap gives the sentinel.
func (e *shortError) Unwrap() error { return archive.ErrChanged }
