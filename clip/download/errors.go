package download

import (
	"context"
	"errors"
	"fmt"

	"clipfs/cache"
	"clipfs/clip/archive"
)

// ErrLess says that a payload has less than was listed. It is an ErrChanged.
var ErrLess = fmt.Errorf("less than was listed: %w", archive.ErrChanged)

// ErrClosed says that a Reader is read after it was closed.
var ErrClosed = fmt.Errorf("handle is closed: %w", archive.ErrInvalid)

// changedError: a payload is no longer what Want.Identity says. It is an ErrChanged.
type changedError struct{ error }

// Unwrap implements errors.Unwrap.
func (e changedError) Unwrap() error { return e.error }

// changed gives that error of a payload; cause may be nil.
func changed(p Payload, cause error) error {
	err := fmt.Errorf("the payload of %s is no longer what its head said: %w", p.Query.Span, archive.ErrChanged)
	if cause != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return changedError{err}
}

// Outdated reports whether an error says that a payload is no longer what Want.Identity says.
func Outdated(err error) bool {
	return err != nil && errors.As(err, new(changedError))
}

// fetchError puts what the cache says into the words of the archive.
func fetchError(err error) error {
	switch {
	case errors.Is(err, cache.ErrFull):
		return fmt.Errorf("%w: %w", archive.ErrNoSpace, err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", archive.ErrUnreachable, err)
	}
	return err
}

// lost reports whether an entry was given up or found damaged just now, so that it can be taken up again.
func lost(err error) bool {
	return errors.Is(err, cache.ErrAbandoned) || errors.Is(err, cache.ErrDamaged)
}
