package mp4

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
)

// Lengths of a box header (ISO/IEC 14496-12 4.2): size and type, then a 64-bit size where the first is 1.
const (
	headerSize      = 8
	largeHeaderSize = 16
)

// BoxHeader is the beginning of a box (ISO/IEC 14496-12 4.2). The 16 bytes of a uuid's extended type count as body.
type BoxHeader struct {
	Type FourCC
	// Size is the whole box, header included, in bytes; 0 means that the box goes on to the end of the file.
	Size int64
	// HeaderSize is 8, or 16 where the size is a 64-bit one.
	HeaderSize int
}

// ParseBoxHeader reads the header at the start of b. It returns ErrShort where b is too short to hold it (16 bytes
// always suffice) and ErrMalformed where it cannot be a header. Whether the body is in b is not looked at.
func ParseBoxHeader(b []byte) (BoxHeader, error) {
	if len(b) < headerSize {
		return BoxHeader{}, fmt.Errorf("box header of %d bytes: %w", len(b), ErrShort)
	}
	h := BoxHeader{
		Size:       int64(binary.BigEndian.Uint32(b)),
		Type:       FourCC(binary.BigEndian.Uint32(b[4:])),
		HeaderSize: headerSize,
	}
	if h.Size == 1 {
		if len(b) < largeHeaderSize {
			return BoxHeader{}, fmt.Errorf("box %s: 64-bit size: %w", h.Type, ErrShort)
		}
		large := binary.BigEndian.Uint64(b[headerSize:])
		if large > math.MaxInt64 {
			return BoxHeader{}, fmt.Errorf("box %s: size %d: %w", h.Type, large, ErrMalformed)
		}
		// A 64-bit size of 0 has no meaning in the standard.
		h.Size, h.HeaderSize = int64(large), largeHeaderSize
		if h.Size == 0 {
			return BoxHeader{}, fmt.Errorf("box %s: 64-bit size of 0: %w", h.Type, ErrMalformed)
		}
	}
	// A run of zeros is padding, not a nameless box that takes the rest of the file.
	if h.Size != 0 && h.Size < int64(h.HeaderSize) || h.Type == 0 && h.Size == 0 {
		return BoxHeader{}, fmt.Errorf("box %s: size %d: %w", h.Type, h.Size, ErrMalformed)
	}
	return h, nil
}

// BodySize is the length of the box without its header, or -1 where it goes on to the end of the file.
func (h BoxHeader) BodySize() int64 {
	if h.Size == 0 {
		return -1
	}
	return h.Size - int64(h.HeaderSize)
}

// Child is a box that is whole in memory. Its slices are parts of what was walked, not copies.
type Child struct {
	Type FourCC
	// Raw is the whole box, Body what follows its header.
	Raw, Body []byte
}

// Children walks the boxes that lie one after the other in b, which is the body of a container. A box of size 0 goes
// on to the end of b. Fewer than eight zero bytes at the end are taken as a terminator, as QuickTime writes it. An
// error (it wraps ErrMalformed) ends the sequence.
func Children(b []byte) iter.Seq2[Child, error] {
	return func(yield func(Child, error) bool) {
		for rest := b; len(rest) > 0; {
			if len(rest) < headerSize && allZero(rest) {
				return
			}
			c, err := firstChild(rest)
			if err != nil {
				yield(Child{}, fmt.Errorf("at byte %d of %d: %w", len(b)-len(rest), len(b), err))
				return
			}
			if !yield(c, nil) {
				return
			}
			rest = rest[len(c.Raw):]
		}
	}
}

// firstChild gives the box at the start of b, which has to be whole.
func firstChild(b []byte) (Child, error) {
	h, err := ParseBoxHeader(b)
	if err != nil {
		// What encloses the box is whole, so more bytes will not come: being short is a fault here.
		return Child{}, fmt.Errorf("%w: %v", ErrMalformed, err) //nolint:errorlint // ErrShort must not be found
	}
	size := h.Size
	if size == 0 {
		size = int64(len(b))
	}
	if size > int64(len(b)) {
		return Child{}, fmt.Errorf("box %s of %d bytes where %d are left: %w", h.Type, size, len(b), ErrMalformed)
	}
	return Child{Type: h.Type, Raw: b[:size:size], Body: b[h.HeaderSize:size:size]}, nil
}

// allZero reports whether b holds nothing but zeros.
func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
