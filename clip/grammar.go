package clip

import (
	"fmt"
	"strings"
	"time"

	"clipfs/clip/archive"
)

// Grammar turns names into times and spans, and back. The zero value reads names without an offset as UTC and writes
// the extended format. It never makes a call.
type Grammar struct {
	// Location is where a name without "Z" or an offset is; nil means UTC.
	Location *time.Location
	// Basic writes ISO 8601's basic format (20240101T1000) instead of the extended one. Both are always read.
	Basic bool
}

// Kind is what a file shows of a clip.
type Kind int

const (
	// Movie is the clip itself, ".mp4".
	Movie Kind = iota
	// Sidecar is what the listing tells of the clip, ".json".
	Sidecar
	// PositionTimes is which time of day a position in the clip is, as its media tells, ".times.json". It is never listed.
	PositionTimes
)

// extension is what the names of a kind end in.
func (k Kind) extension() string {
	switch k {
	case Sidecar:
		return ".json"
	case PositionTimes:
		return ".times.json"
	}
	return ".mp4"
}

// File is what a name in the directory of a start stands for.
type File struct {
	// Span is the span as the name gives it.
	Span archive.Span
	Kind Kind
	// Cover says that the clip also has the fragment that was running at the start of the span.
	Cover bool
}

// LastFile is what a name in the directory of clips that end with the newest footage stands for.
type LastFile struct {
	Length time.Duration
	Kind   Kind
	// Cover says that the clip also has the fragment that was running at its start.
	Cover bool
}

// coverMark stands before the extension in the names of cover clips, "10m.cover.mp4".
const coverMark = ".cover"

// cutFile splits the name of a file into its stem, kind and whether it is a cover clip's.
func cutFile(name string) (stem string, kind Kind, cover, ok bool) {
	for _, kind := range []Kind{Movie, PositionTimes, Sidecar} {
		if stem, ok := strings.CutSuffix(name, kind.extension()); ok {
			stem, cover := strings.CutSuffix(stem, coverMark)
			return stem, kind, cover, true
		}
	}
	return "", 0, false, false
}

// ParseFile reads the name of a file in the directory of a start: "10m.mp4", "1h30m.json", or a clip by its end,
// "2024-01-01T10:07:30.mp4"; each also as a cover clip, "10m.cover.mp4". ErrName if it is not in the grammar, or if the
// end is not in (start, start+24h].
func (g Grammar) ParseFile(start archive.Start, name string) (File, error) {
	stem, kind, cover, ok := cutFile(name)
	if !ok {
		return File{}, fmt.Errorf("%q: %w", name, archive.ErrName)
	}
	if length, err := ParseLength(stem); err == nil {
		return File{Span: archive.NewSpan(start.Time, length), Kind: kind, Cover: cover}, nil
	}
	end, err := g.ParseStart(stem)
	if err != nil {
		return File{}, fmt.Errorf("%q: %w", name, archive.ErrName)
	}
	span := archive.Span{Start: start.Time, End: end.Time}
	if span.Empty() || span.Length() > archive.MaxSpan {
		return File{}, fmt.Errorf("%q: end not within 24 h after %s: %w", name, g.FormatStart(start.Time, archive.Millisecond), archive.ErrName)
	}
	return File{Span: span, Kind: kind, Cover: cover}, nil
}

// ParseLast reads the name of a file that ends with the newest footage, which is a length: "10m.mp4", or
// "10m.cover.mp4". ErrName if it is not in the grammar.
func (g Grammar) ParseLast(name string) (LastFile, error) {
	stem, kind, cover, ok := cutFile(name)
	if !ok {
		return LastFile{}, fmt.Errorf("%q: %w", name, archive.ErrName)
	}
	length, err := ParseLength(stem)
	if err != nil {
		return LastFile{}, err
	}
	return LastFile{Length: length, Kind: kind, Cover: cover}, nil
}

// ParseWithin reads the name of a start in the directory of a coarser one: an hour of a day, a minute of an hour.
// ErrName if it is not finer or does not lie in it.
func (g Grammar) ParseWithin(outer archive.Start, name string) (archive.Start, error) {
	inner, err := g.ParseStart(name)
	if err != nil {
		return archive.Start{}, err
	}
	if inner.Precision <= outer.Precision || !g.Period(outer).Contains(inner.Time) {
		return archive.Start{}, fmt.Errorf("%q is not in %s: %w", name, g.FormatStart(outer.Time, outer.Precision), archive.ErrName)
	}
	return inner, nil
}

// FormatFile gives the canonical name of a file of some length, "10m.mp4": what is listed. Cover clips never are.
func (g Grammar) FormatFile(length time.Duration, kind Kind) string {
	return FormatLength(length) + kind.extension()
}

// FormatPath gives the path of a clip in the tree, "front-door/2024-01-01T10:00/10m.mp4", which always names the same span.
func (g Grammar) FormatPath(stream archive.StreamName, span archive.Span, cover bool) string {
	name := FormatLength(span.Length())
	if cover {
		name += coverMark
	}
	return string(stream) + "/" + g.FormatExactly(span.Start, archive.Minute) + "/" + name + Movie.extension()
}

// FormatExactly writes a start to a precision, or finer where it takes that to name the instant.
func (g Grammar) FormatExactly(t time.Time, coarsest archive.Precision) string {
	for p := coarsest; p < archive.Millisecond; p++ {
		name := g.FormatStart(t, p)
		if s, err := g.ParseStart(name); err == nil && s.Time.Equal(t) {
			return name
		}
	}
	return g.FormatStart(t, archive.Millisecond)
}

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
