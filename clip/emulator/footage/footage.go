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

// Options of a loop. The zero value works.
type Options struct {
	// NoStamp leaves out the stamp that a loop puts before the first key frame of each fragment.
	NoStamp bool
}
