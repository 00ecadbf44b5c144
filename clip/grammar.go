package clip

import (
	"fmt"
	"strings"
	"time"
)

// Grammar turns names into times and spans, and back. The zero value reads names without an offset as UTC and writes
// the extended format. It never makes a call.
type Grammar struct {
	// Location is where a name without "Z" or an offset is; nil means UTC.
	Location *time.Location
	// Basic writes ISO 8601's basic format (20240101T1000) instead of the extended one. Both are always read.
	Basic bool
}

// extension is what the name of every clip ends in.
const extension = ".mp4"

// ParseClip reads the name of a file in the directory of a start: "10m.mp4", "1h30m.mp4", or a clip by its end,
// "2024-01-01T10:07:30.mp4". ErrName if it is not in the grammar, or if the end is not in (start, start+24h].
func (g Grammar) ParseClip(start Start, name string) (Span, error) {
	stem, ok := strings.CutSuffix(name, extension)
	if !ok {
		return Span{}, fmt.Errorf("%q: %w", name, ErrName)
	}
	if length, err := ParseLength(stem); err == nil {
		return NewSpan(start.Time, length), nil
	}
	end, err := g.ParseStart(stem)
	if err != nil {
		return Span{}, fmt.Errorf("%q: %w", name, ErrName)
	}
	span := Span{Start: start.Time, End: end.Time}
	if span.Empty() || span.Length() > MaxSpan {
		return Span{}, fmt.Errorf("%q: end not within 24 h after %s: %w", name, g.FormatStart(start.Time, Millisecond), ErrName)
	}
	return span, nil
}

// FormatClip gives the canonical name of a clip of some length, "10m.mp4".
func (g Grammar) FormatClip(length time.Duration) string { return FormatLength(length) + extension }

// location is Location, or UTC.
func (g Grammar) location() *time.Location {
	if g.Location == nil {
		return time.UTC
	}
	return g.Location
}

// nameScanner reads a name from the front. After the first mismatch it reads nothing more and bad is set.
type nameScanner struct {
	rest string
	bad  bool
}

// more reports whether the name goes on with b.
func (s *nameScanner) more(b byte) bool { return !s.bad && s.rest != "" && s.rest[0] == b }

// accept skips b if the name goes on with it.
func (s *nameScanner) accept(b byte) bool {
	if !s.more(b) {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// expect skips b; the name must go on with it.
func (s *nameScanner) expect(b byte) {
	if !s.accept(b) {
		s.bad = true
	}
}

// fixed reads exactly n digits that give at most limit.
func (s *nameScanner) fixed(n, limit int) int {
	if s.bad || len(s.rest) < n {
		s.bad = true
		return 0
	}
	v := 0
	for _, c := range []byte(s.rest[:n]) {
		if c < '0' || c > '9' {
			s.bad = true
			return 0
		}
		v = v*10 + int(c-'0')
	}
	if v > limit {
		s.bad = true
	}
	s.rest = s.rest[n:]
	return v
}

// digits reads between 1 and n digits and tells how many there were.
func (s *nameScanner) digits(n int) (value, count int) {
	for !s.bad && count < n && count < len(s.rest) && s.rest[count] >= '0' && s.rest[count] <= '9' {
		value = value*10 + int(s.rest[count]-'0')
		count++
	}
	if count == 0 {
		s.bad = true
		return 0, 0
	}
	s.rest = s.rest[count:]
	return value, count
}

// millis reads a fraction of a second, 1 to 3 digits, as milliseconds.
func (s *nameScanner) millis() int {
	v, n := s.digits(3)
	for ; n < 3; n++ {
		v *= 10
	}
	return v
}
