package timeline

import (
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/timeline/packed"
)

// longest is how long a span is at most whose sections are unpacked. What is longer is unpacked as it is put together, once: days that are listed side by side are
// packed until then, in a third of the memory.
const longest = 3 * time.Hour

// Section is a piece of an hour, of whole minutes, and its fragments.
type Section struct {
	span       archive.Span
	by         archive.Selector
	fragments  packed.List // of the piece, or of more
	validUntil time.Time
	// Serial tells the hour that it comes from, as it is in memory, from all others; 0 where it was asked for just now.
	Serial uint64
}

// section gives a piece of an hour.
func (t *table) section(v View, b bucket, span archive.Span) Section {
	return Section{span: span, by: t.by, fragments: b.fragments, validUntil: t.validUntil(v.Stream.Name, b)}
}

// Len is how many fragments it has, or a few more.
func (s Section) Len() int { return s.fragments.Len() }

// Fragments gives those of the piece, by time, which are not to be changed. They are unpacked each time in a listing of more than some hours.
func (s Section) Fragments() []archive.Fragment { return s.by.Within(s.fragments.Fragments(), s.span) }

// within gives what of the piece lies in a span.
func (s Section) within(span archive.Span) Section {
	s.span = s.span.Intersect(span)
	return s
}
