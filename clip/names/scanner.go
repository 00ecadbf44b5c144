package names

import (
	"fmt"

	"clipfs/clip/archive"
)

// scanner reads a name from the front. After the first mismatch it reads nothing more and bad is set.
type scanner struct {
	rest string
	bad  bool
}

// more reports whether the name goes on with b.
func (s *scanner) more(b byte) bool { return !s.bad && s.rest != "" && s.rest[0] == b }

// accept skips b if the name goes on with it.
func (s *scanner) accept(b byte) bool {
	if !s.more(b) {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// expect skips b; the name must go on with it.
func (s *scanner) expect(b byte) {
	if !s.accept(b) {
		s.bad = true
	}
}

// fixed reads exactly n digits that give at most limit.
func (s *scanner) fixed(n, limit int) int {
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
func (s *scanner) digits(n int) (value, count int) {
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
func (s *scanner) millis() int {
	v, n := s.digits(3)
	for ; n < 3; n++ {
		v *= 10
	}
	return v
}

// nameError is an ErrName with a reason that its form does not tell.
type nameError struct{ name, reason string }

func (e *nameError) Error() string {
	return fmt.Sprintf("%q: %s: %v", e.name, e.reason, archive.ErrName)
}

func (e *nameError) Unwrap() error { return archive.ErrName }
