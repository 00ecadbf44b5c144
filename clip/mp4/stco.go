package mp4

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
)

// ChunkOffsets is a chunk offset table, stco or co64 (ISO/IEC 14496-12 8.7.5), as the file holds it: where each chunk
// begins, in bytes from the start of the file. The zero value is an empty table.
type ChunkOffsets struct {
	raw  []byte
	wide bool
}

// size is one entry in bytes.
func (t ChunkOffsets) size() int {
	if t.wide {
		return 8
	}
	return 4
}

// Len is the number of chunks.
func (t ChunkOffsets) Len() int { return len(t.raw) / t.size() }

// At gives the offset of chunk i of Len, counted from 0.
func (t ChunkOffsets) At(i int) int64 {
	if t.wide {
		return int64(binary.BigEndian.Uint64(t.raw[8*i:]))
	}
	return int64(binary.BigEndian.Uint32(t.raw[4*i:]))
}

// All yields the offsets in order.
func (t ChunkOffsets) All() iter.Seq[int64] { return rows(t.Len(), t.At) }

// check refuses offsets that are beyond 63 bits.
func (t ChunkOffsets) check() error {
	if !t.wide {
		return nil
	}
	for at := range t.All() {
		if at < 0 {
			return fmt.Errorf("box %s: offset %d: %w", TypeCo64, uint64(at), ErrMalformed)
		}
	}
	return nil
}

// parseStco reads a stco or a co64.
func parseStco(c Child) (t ChunkOffsets, err error) {
	t.wide = c.Type == TypeCo64
	if t.raw, err = parseTable(c, t.size()); err != nil {
		return t, err
	}
	return t, t.check()
}

// chunkOffsetsOf makes a table of offsets: 64-bit entries only where one needs them.
func chunkOffsetsOf(offsets []int64) ChunkOffsets {
	var t ChunkOffsets
	for _, at := range offsets {
		t.wide = t.wide || at > math.MaxUint32
	}
	for _, at := range offsets {
		if t.wide {
			t.raw = binary.BigEndian.AppendUint64(t.raw, uint64(at))
		} else {
			t.raw = binary.BigEndian.AppendUint32(t.raw, uint32(at))
		}
	}
	return t
}
