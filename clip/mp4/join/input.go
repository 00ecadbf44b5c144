package join

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clipfs/clip/mp4"
)

// ErrIncompatible says that parts are fine one by one but cannot stand in one file.
var ErrIncompatible = errors.New("parts cannot be joined")

// ErrPlan says that parts do not fit the format, or a head is not the one that the file was planned with.
var ErrPlan = errors.New("movie cannot be written")

// Part is one payload that goes into a joined file.
type Part struct {
	// Head gives the parsed head of the payload. Make calls it a few times and File.WriteHead once for each table, one
	// part after the other, so that not all heads are in memory at once. It gives the same movie each time, and its context is
	// theirs.
	Head func(context.Context) (*mp4.Movie, error)
	// MediaStart and MediaEnd bound the body of mdat within the payload, in bytes; chunks outside are refused. Where
	// MediaEnd is 0 they are not known and not looked at.
	MediaStart, MediaEnd int64
	// Start is the time of the part's first fragment, counted from the clip's time 0: when the first frame of the part
	// is shown, be it a picture or sound.
	Start time.Duration
	// Fragments are what the listing says of the part's fragments, in the order of their times; nil if it is not known.
	// They tell what the payload has before and behind them, which is left out.
	Fragments []Fragment
	// GapBefore says that nothing was recorded for a while before the part.
	GapBefore bool
}

// Fragment is what the listing says of a fragment.
type Fragment struct {
	// Start is when its first frame is shown, from the Start of the part on. Length is from there to its last frame.
	Start, Length time.Duration
	// Size is that of the fragment as it is stored, in bytes.
	Size int64
}

// GapPolicy says what becomes of the time in which nothing was recorded.
type GapPolicy int

const (
	// CloseGaps plays only what was recorded: what follows a gap is moved up to what precedes it.
	CloseGaps GapPolicy = iota
	// KeepGaps keeps the clock: the last sample before a gap lasts until the next.
	KeepGaps
)

// Options say how parts are joined. The zero value works.
type Options struct {
	Gaps GapPolicy
	// Created is written as creation and modification time of the movie, its tracks and their media.
	Created time.Time
}

// PartError is what is wrong with one part; Err wraps ErrIncompatible, ErrMalformed or ErrTooBig, or is what its
// Head failed with.
type PartError struct {
	// Part is an index of the parts given to Make.
	Part int
	Err  error
}

// Error implements error.
func (e *PartError) Error() string { return fmt.Sprintf("part %d: %v", e.Part, e.Err) }

// Unwrap gives Err.
func (e *PartError) Unwrap() error { return e.Err }

// Segment is a range of a joined file and where its bytes come from.
type Segment struct {
	// Offset in the joined file and Length, in bytes.
	Offset, Length int64
	// Part is an index of the parts given to Make, or -1 where the bytes are not a payload's.
	Part int
	// PayloadOffset is where the range begins in the part's payload.
	PayloadOffset int64
	// Bytes are those of a range that was inserted; nil for the head, which WriteHead writes, and for payloads.
	Bytes []byte
}

// TimePoint says that from File on, a time in the joined file, the clip's time is Clip plus what has passed since
// File. Times in the file are those at which samples are shown, edits applied.
type TimePoint struct {
	File, Clip time.Duration
}
