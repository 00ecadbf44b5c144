package archive

import "errors"

// What can go wrong, one sentinel a kind. Everything that leaves this package or an Archive wraps one of them, a
// context's error, or is an I/O error of this machine. fs/errno.go turns them into errno.
var (
	// ErrName: a name that is not in the grammar. It costs no call.
	ErrName = errors.New("not the name of a clip")
	// ErrNoStream: the archive has no such stream.
	ErrNoStream = errors.New("no such stream")
	// ErrNoFootage: no fragment starts in the span.
	ErrNoFootage = errors.New("no footage in this span")
	// ErrDenied: credentials are missing, expired, wrong, or do not permit the action.
	ErrDenied = errors.New("not permitted")
	// ErrCredentials: credentials are missing, expired or wrong, so that nothing is permitted. It is an ErrDenied too.
	ErrCredentials error = &kindError{text: "credentials are not accepted", kind: ErrDenied}
	// ErrNotListable: the service says that fragments, or streams, may not be listed with these credentials. It is an ErrDenied too,
	// and the only one that says so: a call that fails for any other reason tells nothing of what is permitted.
	ErrNotListable error = &kindError{text: "may not be listed", kind: ErrDenied}
	// ErrRefused: a call was refused for a reason that is not known, or not by the service itself. Asking again does not help.
	ErrRefused = errors.New("call refused")
	// ErrInvalid: the service calls a request invalid.
	ErrInvalid = errors.New("invalid request")
	// ErrMedia: the service or we cannot make an MP4 of this media.
	ErrMedia = errors.New("media cannot be served as one MP4")
	// ErrUnservable: the service makes no MP4 of some of the fragments that were asked for. It is an ErrMedia too.
	ErrUnservable error = &kindError{text: "the service makes no MP4 of this media", kind: ErrMedia}
	// ErrCodecChange: the codec private data changes within the span. It is an ErrMedia too.
	ErrCodecChange error = &kindError{text: "codec private data changes within the span", kind: ErrMedia}
	// ErrNoImage: the service makes no image of this media: it has sound only, or cannot be decoded. It is an ErrMedia too.
	ErrNoImage error = &kindError{text: "the service makes no image of this media", kind: ErrMedia}
	// ErrNoRetention: the stream keeps no data.
	ErrNoRetention = errors.New("the stream retains no data")
	// ErrThrottled: the service still refused for exceeded limits when the deadline came.
	ErrThrottled = errors.New("throttled")
	// ErrUnreachable: the network or the service failed or stalled until the deadline came.
	ErrUnreachable = errors.New("archive unreachable")
	// ErrNotListening: the archive's host refuses connections, and that is not waited out. It is an ErrUnreachable too.
	ErrNotListening error = &kindError{text: "archive unreachable, nobody listens there", kind: ErrUnreachable}
	// ErrOpenWait: opening takes longer than MaxOpenWait; it goes on. It is an ErrUnreachable too.
	ErrOpenWait error = &kindError{text: "not open within the time of --max-open-wait", kind: ErrUnreachable}
	// ErrChanged: footage changed under an open handle.
	ErrChanged = errors.New("footage has changed")
	// ErrTooBig: it cannot be had without fetching more than is allowed.
	ErrTooBig = errors.New("more than may be fetched")
	// ErrNoSpace: everything in the cache is in use.
	ErrNoSpace = errors.New("cache is full of clips in use")
	// ErrFetchLimit: the limit on fetched bytes is reached.
	ErrFetchLimit = errors.New("fetch limit reached")
)

// kindError is a sentinel that belongs to a wider one.
type kindError struct {
	text string
	kind error
}

// Error implements error.
func (e *kindError) Error() string { return e.text }

// Unwrap gives the wider sentinel.
func (e *kindError) Unwrap() error { return e.kind }
