package cache

import (
	"math"
	"os"
	"slices"
	"sync/atomic"

	"clipfs/cache/disk"
)

// storage is where the bytes of an open entry are: in a file, up to where memory begins.
type storage struct {
	file   *os.File      // nil where none could be made
	checks *disk.Checked // nil where there is nothing to check: this process filled the entry, or has checked all of it
	// from is where the bytes begin that are in memory. It is set before any of those can be read.
	from   atomic.Int64
	chunks atomic.Pointer[[][]byte]
}

func newStorage(f *os.File, c *disk.Checked) *storage {
	s := &storage{file: f, checks: c}
	s.from.Store(math.MaxInt64)
	return s
}

func (s *storage) readAt(p []byte, off int64) (int, error) {
	n, from := 0, s.from.Load()
	if inFile := min(int64(len(p)), from-off); inFile > 0 {
		var err error
		if n, err = s.readFile(p[:inFile], off); err != nil || n == len(p) {
			return n, err
		}
	}
	chunks, at := *s.chunks.Load(), off+int64(n)-from
	for n < len(p) {
		copied := copy(p[n:], chunks[at/chunkSize][at%chunkSize:])
		n, at = n+copied, at+int64(copied)
	}
	return n, nil
}

func (s *storage) readFile(p []byte, off int64) (int, error) {
	if s.checks != nil {
		return s.checks.ReadAt(s.file, p, off)
	}
	return s.file.ReadAt(p, off)
}

// chunkSize is the unit in which memory is taken.
const chunkSize = 64 << 10

func chunksFor(n int64) int64 { return (n + chunkSize - 1) / chunkSize * chunkSize }

// spill has the bytes from a position on go to memory. Only the fill calls it, once.
func (s *storage) spill(from int64) {
	s.chunks.Store(new([][]byte))
	s.from.Store(from)
}

func (s *storage) spilled() bool { return s.from.Load() != math.MaxInt64 }

// put copies p to a position in memory, which is the end of what is there. Only the fill calls it.
func (s *storage) put(p []byte, off int64) {
	at := off - s.from.Load()
	chunks := *s.chunks.Load()
	if missing := chunksFor(at+int64(len(p)))/chunkSize - int64(len(chunks)); missing > 0 {
		chunks = slices.Clone(chunks) // readers may have the old one
		for range missing {
			chunks = append(chunks, make([]byte, chunkSize))
		}
		s.chunks.Store(&chunks)
	}
	for len(p) > 0 {
		n := copy(chunks[at/chunkSize][at%chunkSize:], p)
		p, at = p[n:], at+int64(n)
	}
}
