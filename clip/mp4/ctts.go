package mp4

import (
	"encoding/binary"
	"iter"
)

// OffsetRun is a number of samples in a row with the same composition offset.
type OffsetRun struct {
	Count uint32
	// Offset is PTS minus DTS in the track's timescale.
	Offset int32
}

// Offsets is a composition time to sample table, ctts (ISO/IEC 14496-12 8.6.1.3), as the runs the file holds.
// The zero value is the table that is absent: every offset is 0.
//
// Version 0 has unsigned offsets, version 1 signed ones. Both are read as signed: an offset of 2^31 ticks does not
// occur, negative ones in version 0 do, as QuickTime's muxers write them.
type Offsets struct{ raw []byte }

// Len is the number of runs.
func (t Offsets) Len() int { return len(t.raw) / runSize }

// Run gives run i of Len.
func (t Offsets) Run(i int) OffsetRun {
	p := t.raw[i*runSize:]
	return OffsetRun{Count: binary.BigEndian.Uint32(p), Offset: int32(binary.BigEndian.Uint32(p[4:]))}
}

// Runs yields the runs in order. Its loop becomes a part of the caller's, which that of rows does not: there can be millions.
func (t Offsets) Runs() iter.Seq[OffsetRun] {
	return func(yield func(OffsetRun) bool) {
		for i := range t.Len() {
			if !yield(t.Run(i)) {
				return
			}
		}
	}
}

// Samples is the number of samples that the runs speak of.
func (t Offsets) Samples() uint64 {
	var n uint64
	for r := range t.Runs() {
		n += uint64(r.Count)
	}
	return n
}

// First is the first sample's offset, 0 where there is no sample.
func (t Offsets) First() int32 {
	for r := range t.Runs() {
		if r.Count > 0 {
			return r.Offset
		}
	}
	return 0
}

// add appends a run to a table that was begun empty, as a part of the last run where it fits.
func (t *Offsets) add(r OffsetRun) {
	t.raw = addRun(t.raw, r.Count, uint32(r.Offset))
}
