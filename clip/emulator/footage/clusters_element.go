package footage

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Elements that only what a producer sends has to be looked into for (RFC 9559 5.1).
const (
	idTrackEntry  = 0xae
	idTrackNumber = 0xd7
	idTrackType   = 0x83
	idTag         = 0x7373
	idSimpleTag   = 0x67c8
	idTagName     = 0x45a3
	idTagString   = 0x4487
	idMuxingApp   = 0x4d80
)

// incoming is the header of an element that is still arriving.
type incoming struct {
	id uint32
	// size of the content, in bytes; meaningless if unknown.
	size    int64
	unknown bool
	// raw is the header as it came.
	raw []byte
}

// elements reads elements one after the other and holds none of them.
type elements struct {
	in *bufio.Reader
	// ahead is a header that was read but not used.
	ahead *incoming
}

// next reads the header of the next element. It is io.EOF where the stream ends between two elements, and
// ErrInvalidMedia where it ends in one.
func (e *elements) next() (incoming, error) {
	if e.ahead != nil {
		h := *e.ahead
		e.ahead = nil
		return h, nil
	}
	raw := make([]byte, 0, 12)
	raw, err := e.number(raw, 4)
	if err != nil {
		return incoming{}, err
	}
	id, n := vint(raw, 4, true)
	raw, err = e.number(raw, 8)
	if err != nil {
		return incoming{}, cutShort(err)
	}
	size, k := vint(raw[n:], 8, false)
	h := incoming{id: uint32(id), raw: raw, unknown: size == 1<<(7*k)-1}
	if !h.unknown {
		h.size = int64(size) // At most 56 bits.
	}
	return h, nil
}

// number appends the bytes of a number of variable length, at most longest.
func (e *elements) number(raw []byte, longest int) ([]byte, error) {
	first, err := e.in.ReadByte()
	if err != nil {
		return raw, err
	}
	n := 1
	for mask := byte(0x80); n <= longest && first&mask == 0; mask >>= 1 {
		n++
	}
	if n > longest {
		return raw, fmt.Errorf("%w: no Matroska element", ErrInvalidMedia)
	}
	raw = append(raw, first)
	for range n - 1 {
		b, err := e.in.ReadByte()
		if err != nil {
			return raw, cutShort(err)
		}
		raw = append(raw, b)
	}
	return raw, nil
}

// content appends the content of an element to b, which grows as it arrives, whatever size was announced.
func (e *elements) content(b *bytes.Buffer, h incoming) error {
	if h.unknown {
		return fmt.Errorf("%w: Matroska element %#x without a size", ErrInvalidMedia, h.id)
	}
	return e.copy(b, h.size)
}

// copy passes on so many bytes of content as they arrive. It allocates nothing, whatever comes through.
func (e *elements) copy(w io.Writer, size int64) error {
	for size > 0 {
		if _, err := e.in.Peek(1); err != nil {
			return cutShort(err)
		}
		b, err := e.in.Peek(int(min(size, int64(e.in.Buffered()))))
		if err != nil {
			return err
		}
		n, err := w.Write(b)
		size -= int64(n)
		if _, dropped := e.in.Discard(n); dropped != nil || err != nil {
			return errors.Join(err, dropped)
		}
	}
	return nil
}

// skip reads over the content of an element.
func (e *elements) skip(h incoming) error {
	if h.unknown {
		return fmt.Errorf("%w: Matroska element %#x without a size", ErrInvalidMedia, h.id)
	}
	return e.copy(io.Discard, h.size)
}

// cutShort turns the end of a stream where there should have been more into ErrInvalidMedia.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: Matroska ends within an element", ErrInvalidMedia)
	}
	return err
}

// children gives the elements that data consists of, one after the other, until each fails.
func children(data []byte, each func(id uint32, content []byte) error) error {
	for off := 0; off < len(data); {
		e, err := nextElement(data, off, len(data))
		if err != nil {
			return err
		}
		if e.unknown {
			return fmt.Errorf("%w: Matroska element %#x without a size", ErrInvalidMedia, e.id)
		}
		if err := each(e.id, data[e.start:e.end]); err != nil {
			return err
		}
		off = e.end
	}
	return nil
}
