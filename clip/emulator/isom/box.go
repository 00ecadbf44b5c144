package isom

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// ErrInvalid says that a file breaks the rules of the format.
var ErrInvalid = errors.New("invalid MP4")

// maxDepth is how deep boxes may be nested: stbl is the fifth.
const maxDepth = 8

// Box is a box (4.2): its body, or the boxes in it if it is a container of the sample tables.
type Box struct {
	Kind string
	Body []byte
	Kids []*Box
}

// Parse reads the boxes that b consists of; bodies are parts of b, not copies. A box of size 0 goes on to the end of b. Fewer
// than eight zero bytes at the end are a terminator, as QuickTime writes it.
func Parse(b []byte) ([]*Box, error) { return parse(b, 0) }

// parse is Parse at a depth.
func parse(b []byte, depth int) ([]*Box, error) {
	var all []*Box
	for len(b) > 0 {
		if len(b) < 8 && !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) {
			return all, nil
		}
		if len(b) < 8 || depth > maxDepth {
			return nil, fmt.Errorf("box of %d bytes: %w", len(b), ErrInvalid)
		}
		size, header := uint64(Word(b, 0)), uint64(8)
		switch size {
		case 0:
			size = uint64(len(b))
		case 1:
			size, header = Long(b, 8), 16
		}
		if size < header || size > uint64(len(b)) {
			return nil, fmt.Errorf("box %.4q of %d bytes, %d left: %w", b[4:8], size, len(b), ErrInvalid)
		}
		k := &Box{Kind: string(b[4:8]), Body: b[header:size:size]}
		if slices.Contains([]string{"moov", "trak", "edts", "mdia", "minf", "stbl"}, k.Kind) {
			var err error
			if k.Kids, err = parse(k.Body, depth+1); err != nil {
				return nil, err
			}
			k.Body = nil
		}
		all, b = append(all, k), b[size:]
	}
	return all, nil
}

// Find gives the first box at a path of kinds; nil if there is none.
func (b *Box) Find(path ...string) *Box {
	for _, kind := range path {
		if b == nil {
			return nil
		}
		i := slices.IndexFunc(b.Kids, func(k *Box) bool { return k.Kind == kind })
		if i < 0 {
			return nil
		}
		b = b.Kids[i]
	}
	return b
}

// Put replaces the body of the first box of a kind, or adds one at the end.
func (b *Box) Put(kind string, body []byte) {
	if old := b.Find(kind); old != nil {
		old.Body = body
		return
	}
	b.Kids = append(b.Kids, &Box{Kind: kind, Body: body})
}

// Remove takes the boxes of a kind out.
func (b *Box) Remove(kind string) {
	b.Kids = slices.DeleteFunc(b.Kids, func(k *Box) bool { return k.Kind == kind })
}

// Bytes gives the box with its header.
func (b *Box) Bytes() []byte {
	body := b.Body
	for _, k := range b.Kids {
		body = append(body, k.Bytes()...)
	}
	return Make(b.Kind, body)
}

// Make gives the bytes of a box.
func Make(kind string, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	out := append(make([]byte, 0, 8+len(body)), Words(uint32(8+len(body)))...)
	return append(append(out, kind...), body...)
}

// Words gives numbers of 32 bits.
func Words(values ...uint32) []byte {
	out := make([]byte, 0, 4*len(values))
	for _, v := range values {
		out = binary.BigEndian.AppendUint32(out, v)
	}
	return out
}

// Word reads the number of 32 bits at a place; 0 where b ends before.
func Word(b []byte, at int) uint32 {
	if at < 0 || at+4 > len(b) {
		return 0
	}
	return binary.BigEndian.Uint32(b[at:])
}

// Long reads the number of 64 bits at a place; 0 where b ends before.
func Long(b []byte, at int) uint64 {
	return uint64(Word(b, at))<<32 | uint64(Word(b, at+4))
}

// half reads the number of 16 bits at a place; 0 where b ends before.
func half(b []byte, at int) uint16 {
	if at < 0 || at+2 > len(b) {
		return 0
	}
	return binary.BigEndian.Uint16(b[at:])
}

// Wide reports whether a full box is of version 1, which has times of 64 bits.
func (b *Box) Wide() bool { return len(b.Body) > 0 && b.Body[0] == 1 }

// Field is where a field that follows two times stands in mvhd, tkhd and mdhd.
func (b *Box) Field() int {
	if b.Wide() {
		return 20
	}
	return 12
}
