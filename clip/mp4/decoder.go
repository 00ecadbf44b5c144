package mp4

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// decoder takes fields from the front of a slice. Past the end it gives zeros and remembers that it was short.
type decoder struct {
	b     []byte
	short bool
}

// take gives the next n bytes, or nil.
func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.b, d.short = nil, true
		return nil
	}
	p := d.b[:n:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) skip(n int) { _ = d.take(n) }

func (d *decoder) u8() uint8 {
	if p := d.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (d *decoder) u16() uint16 {
	if p := d.take(2); p != nil {
		return binary.BigEndian.Uint16(p)
	}
	return 0
}

func (d *decoder) u32() uint32 {
	if p := d.take(4); p != nil {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

func (d *decoder) u64() uint64 {
	if p := d.take(8); p != nil {
		return binary.BigEndian.Uint64(p)
	}
	return 0
}

// uint takes 64 or 32 bits.
func (d *decoder) uint(wide bool) uint64 {
	if wide {
		return d.u64()
	}
	return uint64(d.u32())
}

// fullBox takes version and flags (ISO/IEC 14496-12 4.2).
func (d *decoder) fullBox() (version uint8, flags uint32) {
	v := d.u32()
	return uint8(v >> 24), v & 0xffffff
}

// err is ErrMalformed if a field was missing: boxes come here whole, so more bytes will not come.
func (d *decoder) err(t FourCC) error {
	if d.short {
		return fmt.Errorf("box %s: body too short: %w", t, ErrMalformed)
	}
	return nil
}

// parseTable reads the body of a full box that is a table of entries of size bytes.
func parseTable(c Child, size int) ([]byte, error) {
	d := decoder{b: c.Body}
	d.fullBox()
	return d.table(c.Type, size)
}

// rows yields the entries of a table that has n of them, in order.
func rows[T any](n int, at func(i int) T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for i := range n {
			if !yield(at(i)) {
				return
			}
		}
	}
}

// table takes a count and as many entries of size bytes, which have to be there.
func (d *decoder) table(t FourCC, size int) ([]byte, error) {
	n := d.u32()
	if d.short || uint64(n) > uint64(len(d.b)/size) {
		return nil, fmt.Errorf("box %s: %d entries in %d bytes: %w", t, n, len(d.b), ErrMalformed)
	}
	return d.take(int(n) * size), nil
}
