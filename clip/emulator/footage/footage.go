package footage

import "time"

// Selector says by which clock fragments are selected (FragmentSelectorType in the API).
type Selector int

const (
	// ByProducer selects by producer timestamp.
	ByProducer Selector = iota
	// ByServer selects by server timestamp.
	ByServer
)

// Source is what one stream has recorded.
type Source interface {
	// Fragments gives the fragments whose timestamp by sel lies in [from, to], both ends inclusive, in the order of
	// that timestamp. It costs no more than the fragments it gives. Footage that lies in the future at the time of the
	// call (a loop has it) is the caller's to leave out, by to.
	Fragments(sel Selector, from, to time.Time) []Fragment
}

// Fragment is one stored fragment.
type Fragment struct {
	// Number is the fragment number: 47 decimal digits that increase with ingestion.
	Number string
	// Producer and Server are the times of its start, UTC, in whole milliseconds.
	Producer, Server time.Time
	// Length is the time from its first to its last video frame: the last frame's own length is left out.
	Length time.Duration
	// Size is its size in bytes as stored, as Matroska.
	Size int64
}
