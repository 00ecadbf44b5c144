package putmedia

import (
	"context"
	"errors"
	"io"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/store"
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

// putErrors are the errors that producers are told, by what they are of here. The last of an ErrorId has no cause.
func putErrors() []struct {
	cause error
	putError
} {
	return []struct {
		cause error
		putError
	}{
		{errUnreadable, putError{4000, "STREAM_READ_ERROR"}},
		{footage.ErrFragmentSize, putError{4001, "MAX_FRAGMENT_SIZE_REACHED"}},
		{footage.ErrFragmentDuration, putError{4002, "MAX_FRAGMENT_DURATION_REACHED"}},
		{errPutDuration, putError{4003, "MAX_CONNECTION_DURATION_REACHED"}},
		{footage.ErrOutOfOrder, putError{4004, "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS"}},
		{nil, putError{4005, "MORE_THAN_ALLOWED_TRACKS_FOUND"}}, // as the reference has it; 4012 is what is seen
		{footage.ErrInvalidMedia, putError{4006, "INVALID_MKV_DATA"}},
		{footage.ErrTimecode, putError{4007, "INVALID_PRODUCER_TIMESTAMP"}},
		{errStreamDeleted, putError{4008, "STREAM_NOT_ACTIVE"}},
		{footage.ErrTagLimit, putError{4009, "FRAGMENT_METADATA_LIMIT_REACHED"}},
		{footage.ErrTrackNumber, putError{4010, "TRACK_NUMBER_MISMATCH"}},
		{footage.ErrTrackEmpty, putError{4011, "FRAMES_MISSING_FOR_TRACK"}},
		{footage.ErrTrackCount, putError{4012, "MORE_THAN_ALLOWED_TRACKS_FOUND"}},
		{nil, putError{internalError, "INTERNAL_ERROR"}},
		{store.ErrNotKept, putError{5001, "ARCHIVAL_ERROR"}},
	}
}

// classify gives the error that a producer is told; false where the media just ended, or where nobody is left to be told.
func classify(err error) (putError, bool) {
	if errors.Is(err, io.EOF) || errors.Is(err, footage.ErrCut) || errors.Is(err, errIdle) || errors.Is(err, context.Canceled) || errors.Is(err, ErrBroken) {
		return putError{}, false
	}
	id := internalError
	if ordered, ok := errors.AsType[*orderedError](err); ok {
		id = ordered.id
	}
	for _, e := range putErrors() {
		if e.cause != nil && errors.Is(err, e.cause) || e.id == id && id != internalError {
			return e.putError, true
		}
	}
	return putError{internalError, "INTERNAL_ERROR"}, true
}
