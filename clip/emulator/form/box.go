package form

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// errForm says that a file is not what a reshaper expects.
var errForm = errors.New("cannot be reshaped")

// box is a box of a moov (ISO/IEC 14496-12 4.2): its body, or the boxes in it if it is a container.
type box struct {
	kind string
	body []byte
	kids []*box
}

// isContainer reports whether boxes of a type are looked into.
func isContainer(kind string) bool {
	return slices.Contains([]string{"moov", "trak", "edts", "mdia", "minf", "stbl"}, kind)
}

// parseBoxes reads the boxes that b consists of.
func parseBoxes(b []byte) ([]*box, error) {
	var all []*box
	for len(b) > 0 {
		if len(b) < 8 {
			return nil, fmt.Errorf("box of %d bytes: %w", len(b), errForm)
		}
		size := int64(binary.BigEndian.Uint32(b))
		if size < 8 || size > int64(len(b)) {
			return nil, fmt.Errorf("box %.4q of %d bytes, %d left: %w", b[4:8], size, len(b), errForm)
		}
		k := &box{kind: string(b[4:8]), body: slices.Clone(b[8:size])}
		if isContainer(k.kind) {
			var err error
			if k.kids, err = parseBoxes(k.body); err != nil {
				return nil, err
			}
			k.body = nil
		}
		all, b = append(all, k), b[size:]
	}
	return all, nil
}

// find gives the first box at a path of types; nil if there is none.
func (b *box) find(path ...string) *box {
	for _, kind := range path {
		if b == nil {
			return nil
		}
		i := slices.IndexFunc(b.kids, func(k *box) bool { return k.kind == kind })
		if i < 0 {
			return nil
		}
		b = b.kids[i]
	}
	return b
}

// put replaces the first box of a type by another body, or adds it at the end.
func (b *box) put(kind string, body []byte) {
	if old := b.find(kind); old != nil {
		old.body = body
		return
	}
	b.kids = append(b.kids, &box{kind: kind, body: body})
}

// remove takes the boxes of a type out.
func (b *box) remove(kind string) {
	b.kids = slices.DeleteFunc(b.kids, func(k *box) bool { return k.kind == kind })
}

// bytes gives the box with its header.
func (b *box) bytes() []byte {
	body := b.body
	for _, k := range b.kids {
		body = append(body, k.bytes()...)
	}
	return made(b.kind, body)
}

// made makes a box.
func made(kind string, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	out := binary.BigEndian.AppendUint32(make([]byte, 0, 8+len(body)), uint32(8+len(body)))
	return append(append(out, kind...), body...)
}

// words gives numbers of 32 bits.
func words(values ...uint32) []byte {
	out := make([]byte, 0, 4*len(values))
	for _, v := range values {
		out = binary.BigEndian.AppendUint32(out, v)
	}
	return out
}

// word reads the number of 32 bits at a place; 0 behind the end.
func word(b []byte, at int) uint32 {
	if at < 0 || at+4 > len(b) {
		return 0
	}
	return binary.BigEndian.Uint32(b[at:])
}

// field gives where a field of a full box stands that follows two times, whose width its version says: v0 counts for
// version 0, v1 for version 1 (mvhd, tkhd, mdhd).
func field(body []byte, v0, v1 int) int {
	if len(body) > 0 && body[0] == 1 {
		return v1
	}
	return v0
}
