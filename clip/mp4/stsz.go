package mp4

import (
	"encoding/binary"
	"fmt"
)

// Sizes is a sample size table, stsz or stz2 (ISO/IEC 14496-12 8.7.3), as the file holds it: one size for all samples
// or a list. The zero value is an empty table.
type Sizes struct {
	count    uint32
	constant uint32
	// raw has fields of width bits each; it is nil where the size is constant.
	raw   []byte
	width uint8
}

// Len is the number of samples.
func (t Sizes) Len() uint32 { return t.count }

// Constant gives the size that all samples have, in bytes, or 0 where there is a list.
func (t Sizes) Constant() uint32 { return t.constant }

// At gives the size of sample i of Len, counted from 0, in bytes.
func (t Sizes) At(i uint32) uint32 {
	if t.constant != 0 {
		return t.constant
	}
	switch t.width {
	case 4:
		v := t.raw[i/2]
		if i%2 == 0 {
			return uint32(v >> 4)
		}
		return uint32(v & 15)
	case 8:
		return uint32(t.raw[i])
	case 16:
		return uint32(binary.BigEndian.Uint16(t.raw[2*int64(i):]))
	}
	return binary.BigEndian.Uint32(t.raw[4*int64(i):])
}

// Sum gives the size of count samples from sample first on; both have to be within Len. A constant size can make a sum
// of 64 bits, which shows as less than 0.
func (t Sizes) Sum(first, count uint32) int64 {
	if t.constant != 0 {
		return int64(t.constant) * int64(count)
	}
	var sum int64
	if words, ok := t.Words(first, first+count); ok {
		for ; len(words) >= 4; words = words[4:] {
			sum += int64(binary.BigEndian.Uint32(words))
		}
		return sum
	}
	for i := range count {
		sum += int64(t.At(first + i))
	}
	return sum
}

// Words gives the sizes of samples from to before to as they stand in the file, 32 bits each, big-endian; false where
// the table does not hold them so.
func (t Sizes) Words(from, to uint32) ([]byte, bool) {
	if t.constant != 0 || t.width != 32 {
		return nil, false
	}
	return t.raw[4*int64(from) : 4*int64(to)], true
}

// parseStsz reads the body of stsz.
func parseStsz(body []byte) (Sizes, error) {
	d := decoder{b: body}
	d.fullBox()
	t := Sizes{constant: d.u32()}
	if t.constant != 0 {
		t.count = d.u32()
		if err := d.err(TypeStsz); err != nil {
			return Sizes{}, err
		}
		return t, nil
	}
	raw, err := d.table(TypeStsz, 4)
	if err != nil {
		return Sizes{}, err
	}
	return Sizes{count: uint32(len(raw) / 4), raw: raw, width: 32}, nil
}

// parseStz2 reads the body of stz2: fields of 4, 8 or 16 bits.
func parseStz2(body []byte) (Sizes, error) {
	d := decoder{b: body}
	d.fullBox()
	t := Sizes{width: uint8(d.u32())}
	t.count = d.u32()
	if t.width != 4 && t.width != 8 && t.width != 16 {
		return Sizes{}, fmt.Errorf("box %s: fields of %d bits: %w", TypeStz2, t.width, ErrMalformed)
	}
	need := (uint64(t.count)*uint64(t.width) + 7) / 8
	if d.short || need > uint64(len(d.b)) {
		return Sizes{}, fmt.Errorf("box %s: %d entries in %d bytes: %w", TypeStz2, t.count, len(d.b), ErrMalformed)
	}
	t.raw = d.take(int(need))
	return t, nil
}
