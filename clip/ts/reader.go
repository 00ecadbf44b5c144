package ts

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
)

// Source fills p with the bytes of a unit, which is as long; unit is its index among those that were planned.
type Source func(ctx context.Context, unit int, p []byte) error

// Reader makes the packets of a segment. It is safe for concurrent use.
type Reader struct {
	segment *Segment
	source  Source

	// mu guards the PES packet made last, by the place of its unit: most reads go on where the one before ended. A packet
	// never changes once it was made.
	mu   sync.Mutex
	unit int
	pes  []byte
}

// Reader gives what reads the segment; frames come from source.
func (g *Segment) Reader(source Source) *Reader { return &Reader{segment: g, source: source, unit: -1} }

// ReadAt reads as io.ReaderAt does. It asks for the frames of what it reads and no others. ErrMalformed for a picture that is no
// sequence of NAL units.
func (r *Reader) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	g := r.segment
	if off < 0 {
		return 0, fmt.Errorf("offset %d: %w", off, ErrMalformed)
	}
	n := 0
	var packet [PacketSize]byte
	for n < len(p) {
		at := off + int64(n)
		if at >= g.Size() {
			return n, io.EOF
		}
		if at < int64(len(g.head)) {
			n += copy(p[n:], g.head[at:])
			continue
		}
		k, within := int(at/PacketSize), int(at%PacketSize)
		i := g.unitAt(k)
		pes, err := r.pesOf(ctx, i)
		if err != nil {
			return n, err
		}
		to := packet[:]
		if whole := p[n:]; within == 0 && len(whole) >= PacketSize {
			to = whole[:PacketSize]
		}
		g.streams.packet(to, &g.units[i], k-g.units[i].first, pes)
		n += copy(p[n:], to[within:])
	}
	return n, nil
}

// pesOf gives the PES packet of a unit.
func (r *Reader) pesOf(ctx context.Context, i int) ([]byte, error) {
	r.mu.Lock()
	unit, pes := r.unit, r.pes
	r.mu.Unlock()
	if unit == i {
		return pes, nil
	}
	pes, err := r.makePES(ctx, &r.segment.units[i])
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.unit, r.pes = i, pes
	r.mu.Unlock()
	return pes, nil
}

// makePES makes the PES packet of a unit.
func (r *Reader) makePES(ctx context.Context, u *placed) ([]byte, error) {
	s := r.segment.streams
	size := s.pesSize(u)
	pes := pesHeader(make([]byte, 0, size), u, size)
	switch {
	case u.Sound:
		pes = append(pes, s.Sound[u.Entry].header(u.Size)...)
	default:
		pes = append(pes, s.Video[u.Entry].delimiter()...)
		if u.Key {
			pes = append(pes, s.Video[u.Entry].sets...)
		}
	}
	if u.Silent {
		return append(pes, s.Sound[u.Entry].Silence()...), nil
	}
	frame := slices.Grow(pes, u.Size)[len(pes) : len(pes)+u.Size]
	if err := r.source(ctx, u.index, frame); err != nil {
		return nil, err
	}
	if !u.Sound {
		if err := s.Video[u.Entry].annexB(frame); err != nil {
			return nil, fmt.Errorf("picture %d: %w", u.index, err)
		}
	}
	return pes[:len(pes)+u.Size], nil
}
