package cache

import (
	"math"
	"os"
	"slices"
	"sync/atomic"
)

// backing is where the bytes of an entry are while it is held: a file, up to where memory begins.
type backing struct {
	file   *os.File // nil where none could be made
	checks *checks  // nil where there is nothing to check: the entry was filled by this process, or is checked
	// from is where the bytes begin that are in memory. It is set before any of those can be read.
	from   atomic.Int64
	chunks atomic.Pointer[[][]byte]
}

// newBacking gives one that is all file.
func newBacking(f *os.File, c *checks) *backing {
	b := &backing{file: f, checks: c}
	b.from.Store(math.MaxInt64)
	return b
}

// readAt reads bytes that are there.
func (b *backing) readAt(p []byte, off int64) (int, error) {
	from := b.from.Load()
	if off+int64(len(p)) <= from {
		return b.readFile(p, off)
	}
	n := 0
	if off < from {
		var err error
		if n, err = b.readFile(p[:from-off], off); err != nil {
			return n, err
		}
	}
	chunks, at := *b.chunks.Load(), off+int64(n)-from
	for n < len(p) {
		copied := copy(p[n:], chunks[at/chunkSize][at%chunkSize:])
		n, at = n+copied, at+int64(copied)
	}
	return n, nil
}

// readFile reads bytes that are in the file.
func (b *backing) readFile(p []byte, off int64) (int, error) {
	if b.checks != nil {
		return b.checks.readAt(b.file, p, off)
	}
	return b.file.ReadAt(p, off)
}

// chunkSize is the unit in which memory is taken.
const chunkSize = 64 << 10

// chunksFor gives how much memory n bytes take.
func chunksFor(n int64) int64 { return (n + chunkSize - 1) / chunkSize * chunkSize }

// spill has the bytes from a position on go to memory. Only the fill calls it, once.
func (b *backing) spill(from int64) {
	b.chunks.Store(new([][]byte))
	b.from.Store(from)
}

// spilled reports whether bytes go to memory.
func (b *backing) spilled() bool { return b.from.Load() != math.MaxInt64 }

// put copies p to a position in memory, which is the end of what is there. Only the fill calls it.
func (b *backing) put(p []byte, off int64) {
	at := off - b.from.Load()
	chunks := *b.chunks.Load()
	if missing := chunksFor(at+int64(len(p)))/chunkSize - int64(len(chunks)); missing > 0 {
		chunks = slices.Clone(chunks) // readers may have the old one
		for range missing {
			chunks = append(chunks, make([]byte, chunkSize))
		}
		b.chunks.Store(&chunks)
	}
	for len(p) > 0 {
		n := copy(chunks[at/chunkSize][at%chunkSize:], p)
		p, at = p[n:], at+int64(n)
	}
}

// close closes the file.
func (b *backing) close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}
