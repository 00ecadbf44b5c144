package cache

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"os"
	"time"
)

// FileSize gives how long the file of an entry of n bytes is.
func FileSize(n int64) int64 { return fileSize(n) }

// Footer gives what stands behind an entry in its file.
func Footer(p []byte, a About, expires time.Time) []byte {
	t := footer{about: a, expires: expires}
	for at := 0; at < len(p); at += sumBlock {
		t.sums = append(t.sums, castagnoli(p[at:min(at+sumBlock, len(p))]))
	}
	return t.encode(int64(len(p)))
}

// ReadFooter reads what Footer gave.
func ReadFooter(b []byte, size int64) (about About, expires time.Time, sums []uint32, err error) {
	t, err := readFooter(io.NewSectionReader(bytes.NewReader(append(make([]byte, size), b...)), 0, size+int64(len(b))), size, true)
	return t.about, t.expires, t.sums, err
}

// FooterOf gives the footer of an entry of so many bytes.
func FooterOf(size int64, about About, expires time.Time, sums []uint32) []byte {
	return footer{about: about, expires: expires, sums: sums}.encode(size)
}

// SealFooter gives a footer that says what a text has in the place of its numbers and words, with checksums that are right.
func SealFooter(size int64, text []byte) []byte {
	b := make([]byte, fileSize(size)-size)
	copy(b[24:], text)
	m := magic()
	copy(b, m[:])
	le := binary.LittleEndian
	le.PutUint64(b[16:], uint64(size))
	le.PutUint32(b[12:], castagnoli(b[headerSize:]))
	le.PutUint32(b[8:], castagnoli(b[16:headerSize]))
	return b
}

// Settle waits until what was there at the start is in its order.
func Settle(c *Cache) { <-c.index.ranked }

// WithStatfs gives options with a file system that says of itself what f does.
func WithStatfs(o Options, f func(string) (free, total int64, err error)) Options {
	o.statfs = f
	return o
}

// BreakFile puts another file in the place of the one that an entry is in.
func BreakFile(e *Entry, path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	b := e.item.open.Load()
	old := b.file
	b.file = f
	return old.Close()
}

// ReadSizes exports the parser of the file of sizes.
func ReadSizes(r io.Reader) (known map[Key]int64, lines int, torn bool, err error) {
	known = make(map[Key]int64)
	lines, torn, err = readSizes(r, func(key Key, n int64) { known[key] = n })
	return known, lines, torn, err
}

// SizeLine gives a line of the file of sizes.
func SizeLine(key Key, n int64) string { return string(appendSizeLine(nil, key, n)) }

// Sizes is an index of sizes with a limit of its own.
type Sizes struct{ s *sizes }

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

// Locked runs f while the lock of the index is held.
func Locked(c *Cache, f func()) {
	c.index.mu.Lock()
	defer c.index.mu.Unlock()
	f()
}
