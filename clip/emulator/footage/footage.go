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

// Numbered is a Source that has a place for each fragment, a number that never changes: most of a long span need not be made.
type Numbered interface {
	Source
	// Places gives the places of what Fragments gives, from first on and before end.
	Places(sel Selector, from, to time.Time) (first, end int)
	// At gives the fragment of a place.
	At(place int) Fragment
}

// Options of a loop. The zero value works.
type Options struct {
	// NoStamp leaves out the stamp that a loop puts before the first key frame of each fragment.
	NoStamp bool
}
