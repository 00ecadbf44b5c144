package packed

import (
	"slices"
	"time"

	"clipfs/clip/archive"
)

// List is fragments as they are, or packed, or both. It is immutable, and safe for concurrent use. Its zero value has none.
type List struct {
	fragments []archive.Fragment
	packed    []byte
	count     int
}

// Of gives a list of fragments, which are not to be changed any more.
func Of(fragments []archive.Fragment) List {
	if len(fragments) == 0 {
		return List{}
	}
	return List{fragments: fragments, count: len(fragments)}
}

// Read gives a list of what was packed, at most so many fragments; ErrImpossible where that is nothing that an archive could have listed.
func Read(p []byte, most int) (List, error) {
	all, err := Unpack(p, most)
	return List{packed: p, count: len(all)}, err
}

// Len is how many fragments it has.
func (l List) Len() int { return l.count }

// Fragments gives them, which are not to be changed. Where they are packed alone, they are unpacked each time.
func (l List) Fragments() []archive.Fragment {
	if l.fragments == nil && l.packed != nil {
		return l.AppendTo(nil)
	}
	return l.fragments
}

// AppendTo adds them to others.
func (l List) AppendTo(all []archive.Fragment) []archive.Fragment {
	if l.fragments != nil {
		return append(all, l.fragments...)
	}
	all, _ = appendUnpacked(slices.Grow(all, l.count), l.packed, l.count) // it was unpacked before, or was packed here
	return all
}

// Bytes gives them packed; nil where they are not.
func (l List) Bytes() []byte { return l.packed }

// Loose reports whether it has them as they are.
func (l List) Loose() bool { return l.fragments != nil }

// Packed has them packed as well, if they come out as they were.
func (l List) Packed() List {
	if l.packed == nil && exact(l.fragments) {
		l.packed = Pack(l.fragments)
	}
	return l
}

// Tight has them packed alone, if they come out as they were: a third of the memory.
func (l List) Tight() List {
	if l = l.Packed(); l.packed != nil {
		l.fragments = nil
	}
	return l
}

// exact reports whether fragments are packed without loss: their numbers are digits, and their times whole milliseconds, in UTC.
func exact(fragments []archive.Fragment) bool {
	for _, f := range fragments {
		again := archive.Fragment{
			ID: f.ID, Producer: time.UnixMilli(f.Producer.UnixMilli()).UTC(), Server: time.UnixMilli(f.Server.UnixMilli()).UTC(),
			Length: f.Length.Truncate(time.Millisecond), Size: f.Size,
		}
		if f != again || !Possible(f) {
			return false
		}
	}
	return Able(fragments)
}
