package disk

import (
	"hash/crc32"
	"io"
	"sync"
	"sync/atomic"
)

// SumBlock is how many bytes one checksum covers. A first read at random has to read that much.
const SumBlock = 64 << 10

// Castagnoli returns the CRC-32C (RFC 3720, 12.1) of bytes with the checksum sum, 0 for none, and p behind them.
func Castagnoli(sum uint32, p []byte) uint32 {
	return crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), p)
}

func sumsOf(size int64) int64 { return (size + SumBlock - 1) / SumBlock }

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

// Whole reports whether every block was checked.
func (c *checked) Whole() bool { return c.left.Load() == 0 }

func (c *checked) none() bool {
	for i := range c.done {
		if c.done[i].Load() != 0 {
			return false
		}
	}
	return true
}

// Has reports whether the bytes [off, end) were checked.
func (c *checked) Has(off, end int64) bool {
	if c.Whole() {
		return true
	}
	for i := off / SumBlock; i*SumBlock < end; i++ {
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

// Checked reads an entry that was found on disk and checks what it reads.
type Checked struct {
	size int64
	sums []uint32
	*checked
	buffers *sync.Pool // of *[SumBlock]byte
}

// ReadAt reads bytes that lie within the entry. It reads unchecked blocks whole, and returns the bytes that it has
// checked. ErrSum if a block does not match.
func (c *Checked) ReadAt(f io.ReaderAt, p []byte, off int64) (int, error) {
	if c.Has(off, off+int64(len(p))) {
		return f.ReadAt(p, off)
	}
	n := 0
	for n < len(p) {
		at := off + int64(n)
		i := at / SumBlock
		begin, end := i*SumBlock, min((i+1)*SumBlock, c.size)
		part := p[n:min(int64(len(p)), end-off)]
		var err error
		switch {
		case c.Has(at, at+1):
			_, err = f.ReadAt(part, at)
		case at == begin && int64(len(part)) == end-begin:
			err = c.readBlock(f, i, part)
		default:
			buffer, _ := c.buffers.Get().(*[SumBlock]byte)
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

func (c *Checked) readBlock(f io.ReaderAt, i int64, p []byte) error {
	if _, err := f.ReadAt(p, i*SumBlock); err != nil {
		return err
	}
	if Castagnoli(0, p) != c.sums[i] {
		return ErrSum
	}
	c.mark(i)
	return nil
}
