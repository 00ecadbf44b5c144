package putmedia

import (
	"context"
	"errors"
	"io"

	"clipfs/clip/emulator/footage"
)

// putError is what an ERROR acknowledgement says (API reference, PutMedia, Response Elements).
type putError struct {
	id   int
	code string
}

// internalError is the first of the errors that are not its producer's.
const internalError = 5000

// errStreamDeleted means that the stream is no longer there.
var errStreamDeleted = errors.New("stream was deleted")

// archivalError says that a fragment could not be kept.
type archivalError struct{ err error }

func (e *archivalError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *archivalError) Unwrap() error { return e.err }

// classify gives the error that a producer is told; false where the media just ended, or where nobody is left to be told.
func classify(err error) (putError, bool) {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, errIdle), errors.Is(err, context.Canceled):
		return putError{}, false
	case errors.Is(err, errUnreadable):
		return putError{4000, "STREAM_READ_ERROR"}, true
	case errors.Is(err, footage.ErrFragmentSize):
		return putError{4001, "MAX_FRAGMENT_SIZE_REACHED"}, true
	case errors.Is(err, footage.ErrFragmentDuration):
		return putError{4002, "MAX_FRAGMENT_DURATION_REACHED"}, true
	case errors.Is(err, errPutDuration):
		return putError{4003, "MAX_CONNECTION_DURATION_REACHED"}, true
	case errors.Is(err, footage.ErrOutOfOrder):
		return putError{4004, "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS"}, true
	case errors.Is(err, footage.ErrInvalidMedia):
		return putError{4006, "INVALID_MKV_DATA"}, true
	case errors.Is(err, footage.ErrTimecode):
		return putError{4007, "INVALID_PRODUCER_TIMESTAMP"}, true
	case errors.Is(err, errStreamDeleted):
		return putError{4008, "STREAM_NOT_ACTIVE"}, true
	case errors.Is(err, footage.ErrTagLimit):
		return putError{4009, "FRAGMENT_METADATA_LIMIT_REACHED"}, true
	case errors.Is(err, footage.ErrTrackNumber):
		return putError{4010, "TRACK_NUMBER_MISMATCH"}, true
	case errors.Is(err, footage.ErrTrackEmpty):
		return putError{4011, "FRAMES_MISSING_FOR_TRACK"}, true
	case errors.Is(err, footage.ErrTrackCount):
		return putError{4012, "MORE_THAN_ALLOWED_TRACKS_FOUND"}, true
	}
	var archival *archivalError
	if errors.As(err, &archival) {
		return putError{5001, "ARCHIVAL_ERROR"}, true
	}
	return putError{internalError, "INTERNAL_ERROR"}, true
}
