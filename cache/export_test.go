package cache

import (
	"io"
	"log/slog"
)

// ReadSizes exports the parser of the file of sizes.
func ReadSizes(r io.Reader) (known map[Key]int64, lines int, torn bool, err error) {
	known = make(map[Key]int64)
	lines, torn, err = readSizes(r, func(key Key, n int64) { known[key] = n })
	return known, lines, torn, err
}

// SizeLine gives a line of the file of sizes.
func SizeLine(key Key, n int64) string { return string(appendSizeLine(nil, key, n)) }

// Sizes is an index of sizes with a limit of its own.
type Sizes struct{ s *sizeIndex }

// OpenSizes opens an index of at most limit sizes.
func OpenSizes(path string, limit int) (*Sizes, error) {
	s, err := openSizes(path, limit, slog.New(slog.DiscardHandler))
	return &Sizes{s}, err
}

// Note, Size and Close are those of the index.
func (s *Sizes) Note(key Key, n int64)      { s.s.note(key, n) }
func (s *Sizes) Size(key Key) (int64, bool) { return s.s.size(key) }
func (s *Sizes) Close() error               { return s.s.close() }

// FileNameRoundTrip parses a file name and writes it again; false if it is not one of ours.
func FileNameRoundTrip(s string) (string, bool) {
	n, ok := parseFileName(s)
	return n.String(), ok
}
