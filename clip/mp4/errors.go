package mp4

import "errors"

// What can be wrong with bytes. Errors of this package wrap one of these, or are the reader's own.
var (
	// ErrShort: the bytes end before what they announce; more of them may help.
	ErrShort = errors.New("more bytes needed")
	// ErrMalformed: the bytes break the rules of the format, whatever may follow.
	ErrMalformed = errors.New("malformed MP4")
	// ErrNotMP4: a stream does not begin as an MP4 file does.
	ErrNotMP4 = errors.New("not an MP4 file")
	// ErrTooBig: a box that has to be held in memory is longer than MaxMoov.
	ErrTooBig = errors.New("MP4 header too big")
)
