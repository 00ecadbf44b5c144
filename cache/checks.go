package cache

import (
	"hash/crc32"
	"io"
	"sync"
	"sync/atomic"
)

// sumBlock is how many bytes one checksum covers. A first read at random has to read that much.
const sumBlock = 64 << 10

// castagnoli returns the CRC-32C (RFC 3720, 12.1) of bytes with the checksum sum, 0 for none, and p behind them.
func castagnoli(sum uint32, p []byte) uint32 {
	return crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), p)
}

func sumsOf(size int64) int64 { return (size + sumBlock - 1) / sumBlock }

// checked tells which blocks of an entry were checked since the start. It is safe for concurrent use and takes no lock.
type checked struct {
	done []atomic.Uint64 // a bit for each block
	left atomic.Int64    // how many are not set
}

func newChecked(size int64) *checked {
	n := max(1, sumsOf(size)) // an empty entry is never whole: its footer is read each time
	c := &checked{done: make([]atomic.Uint64, (n+63)/64)}
	c.left.Store(n)
	return c
}

func (c *checked) whole() bool { return c.left.Load() == 0 }

func (c *checked) has(off, end int64) bool {
	if c.whole() {
		return true
	}
	for i := off / sumBlock; i*sumBlock < end; i++ {
		if c.done[i/64].Load()&(1<<(i%64)) == 0 {
			return false
		}
	}
	return true
}

func (c *checked) mark(i int64) {
	if bit := uint64(1) << (i % 64); c.done[i/64].Or(bit)&bit == 0 {
		c.left.Add(-1)
	}
}

// checks reads an entry that was found on disk and checks what it reads.
type checks struct {
	size int64
	sums []uint32
	*checked
	buffers *sync.Pool // of *[sumBlock]byte
}

// readAt reads bytes that lie within the entry. It reads unchecked blocks whole, and returns the bytes that it has
// checked. errSum if a block does not match.
func (c *checks) readAt(f io.ReaderAt, p []byte, off int64) (int, error) {
	if c.has(off, off+int64(len(p))) {
		return f.ReadAt(p, off)
	}
	n := 0
	for n < len(p) {
		at := off + int64(n)
		i := at / sumBlock
		begin, end := i*sumBlock, min((i+1)*sumBlock, c.size)
		part := p[n:min(int64(len(p)), end-off)]
		var err error
		switch {
		case c.has(at, at+1):
			_, err = f.ReadAt(part, at)
		case at == begin && int64(len(part)) == end-begin:
			err = c.readBlock(f, i, part)
		default:
			buffer, _ := c.buffers.Get().(*[sumBlock]byte)
			if err = c.readBlock(f, i, buffer[:end-begin]); err == nil {
				copy(part, buffer[at-begin:])
			}
			c.buffers.Put(buffer)
		}
		if err != nil {
			return n, err
		}
		n += len(part)
	}
	return n, nil
}

func (c *checks) readBlock(f io.ReaderAt, i int64, p []byte) error {
	if _, err := f.ReadAt(p, i*sumBlock); err != nil {
		return err
	}
	if castagnoli(0, p) != c.sums[i] {
		return errSum
	}
	c.mark(i)
	return nil
}
