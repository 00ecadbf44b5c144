package cache

import (
	"io"
	"sync"
	"sync/atomic"
)

// checks is which blocks of an entry that was found on disk have been checked. It is safe for concurrent use and takes no
// lock.
type checks struct {
	size int64
	sums []uint32
	// done has a bit for each block; left counts those that are not set. They outlive the closing of the file.
	*proof
	buffers *sync.Pool // of *[sumBlock]byte
}

// proof is what was checked of an entry since the start.
type proof struct {
	done []atomic.Uint64
	left atomic.Int64
}

// newProof gives one of an entry of which nothing was checked.
func newProof(size int64) *proof {
	n := sumsOf(size)
	p := &proof{done: make([]atomic.Uint64, (n+63)/64)}
	p.left.Store(n)
	return p
}

// whole reports whether every block was checked.
func (p *proof) whole() bool { return p.left.Load() == 0 }

// has reports whether all blocks of [off, end) were checked.
func (p *proof) has(off, end int64) bool {
	if p.whole() {
		return true
	}
	for i := off / sumBlock; i*sumBlock < end; i++ {
		if p.done[i/64].Load()&(1<<(i%64)) == 0 {
			return false
		}
	}
	return true
}

// mark notes that a block was checked.
func (p *proof) mark(i int64) {
	if bit := uint64(1) << (i % 64); p.done[i/64].Or(bit)&bit == 0 {
		p.left.Add(-1)
	}
}

// readAt reads bytes that lie within the entry. Blocks that were not checked are read whole, and what is handed on is
// what was checked. errSum if one does not fit.
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

// readBlock reads one whole block and checks it.
func (c *checks) readBlock(f io.ReaderAt, i int64, p []byte) error {
	if _, err := f.ReadAt(p, i*sumBlock); err != nil {
		return err
	}
	if castagnoli(p) != c.sums[i] {
		return errSum
	}
	c.mark(i)
	return nil
}
