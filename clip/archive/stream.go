package archive

import (
	"cmp"
	"slices"
	"time"
)

// StreamName is the name of a Kinesis video stream: 1 to 256 characters of [a-zA-Z0-9_.-] (API reference,
// CreateStream, StreamName). "." and ".." fit that pattern but cannot be names of directories and are not valid here.
type StreamName string

// maxStreamName is the longest name that the service allows, in bytes.
const maxStreamName = 256

// Valid reports whether the name is one that a stream can have and a directory can show.
func (n StreamName) Valid() bool {
	if n == "" || n == "." || n == ".." || len(n) > maxStreamName {
		return false
	}
	for _, c := range []byte(n) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '.', c == '-':
		default:
			return false
		}
	}
	return true
}

// FragmentID is a fragment number: decimal digits that increase with ingestion.
type FragmentID string

// Selector says by which clock a span selects fragments (FragmentSelectorType in the API).
type Selector int

const (
	// ByProducer selects by the time the producer gave: the time of recording.
	ByProducer Selector = iota
	// ByServer selects by the time at which the service took the fragment in.
	ByServer
)

// String gives the selector as the flag --timestamps takes it.
func (s Selector) String() string {
	if s == ByServer {
		return "server"
	}
	return "producer"
}

// Stream is what the archive says of a stream (API reference, StreamInfo).
type Stream struct {
	Name StreamName
	// ARN is the stream's Amazon resource name; empty where it is not known.
	ARN string
	// Created is when the stream was made; the zero time where it is not known.
	Created time.Time
	// Retention is how long footage is kept; 0 means that none is.
	Retention time.Duration
}

// Identity tells the stream from every other, also from one made later under its name: its ARN, which ends in the time at
// which it was made; its name where the ARN is not known.
func (s Stream) Identity() string { return cmp.Or(s.ARN, string(s.Name)) }

// Fragment is what the archive says of one fragment (API reference, Fragment).
type Fragment struct {
	ID FragmentID
	// Producer and Server are the two times of the fragment's start, UTC, to the millisecond.
	Producer, Server time.Time
	// Length is the time from the first to the last frame: the last frame's own length is left out, so it is not the
	// distance to the next fragment, and 0 for a fragment of one frame.
	Length time.Duration
	// Size is the fragment's size in bytes as stored (Matroska), not as MP4.
	Size int64
}

// Time gives the fragment's start by the selector's clock.
func (f Fragment) Time(s Selector) time.Time {
	return *f.start(s)
}

// start is Time of a fragment that is not to be copied.
func (f *Fragment) start(s Selector) *time.Time {
	if s == ByServer {
		return &f.Server
	}
	return &f.Producer
}

// Before is how many of some fragments, in the order of their times, start before an instant.
func (s Selector) Before(fragments []Fragment, at time.Time) int {
	n, _ := slices.BinarySearchFunc(fragments, at, func(f Fragment, at time.Time) int { return f.start(s).Compare(at) })
	return n
}

// Within gives those of some fragments, in the order of their times, that start in a span.
func (s Selector) Within(fragments []Fragment, span Span) []Fragment {
	from, to := s.Before(fragments, span.Start), s.Before(fragments, span.End)
	return fragments[from:max(from, to)]
}
