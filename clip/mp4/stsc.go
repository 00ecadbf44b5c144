package mp4

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// ChunkRun says how the chunks from First on, up to the next run, are made.
type ChunkRun struct {
	// First is a chunk number, counted from 1.
	First uint32
	// Samples in each chunk.
	Samples uint32
	// Entry is the number of their sample entry in stsd, counted from 1.
	Entry uint32
}

// chunkRunSize is one entry of stsc in bytes.
const chunkRunSize = 12

// ChunkRuns is a sample to chunk table, stsc (ISO/IEC 14496-12 8.7.4), as the runs the file holds.
// The zero value is an empty table.
type ChunkRuns struct{ raw []byte }

// Len is the number of runs.
func (t ChunkRuns) Len() int { return len(t.raw) / chunkRunSize }

// Run gives run i of Len.
func (t ChunkRuns) Run(i int) ChunkRun {
	p := t.raw[i*chunkRunSize:]
	return ChunkRun{
		First:   binary.BigEndian.Uint32(p),
		Samples: binary.BigEndian.Uint32(p[4:]),
		Entry:   binary.BigEndian.Uint32(p[8:]),
	}
}

// Runs yields the runs in order.
func (t ChunkRuns) Runs() iter.Seq[ChunkRun] { return rows(t.Len(), t.Run) }

// samples checks the runs against the number of chunks and of sample entries and gives the number of samples.
func (t ChunkRuns) samples(chunks, entries int) (uint64, error) {
	var total uint64
	for i := range t.Len() {
		r := t.Run(i)
		end := uint64(chunks) + 1
		if i+1 < t.Len() {
			end = uint64(t.Run(i + 1).First)
		}
		switch {
		case i == 0 && r.First != 1, uint64(r.First) >= end, end > uint64(chunks)+1:
			return 0, fmt.Errorf("box %s: chunk %d to %d of %d: %w", TypeStsc, r.First, end, chunks, ErrMalformed)
		case r.Samples == 0:
			return 0, fmt.Errorf("box %s: chunk %d has no samples: %w", TypeStsc, r.First, ErrMalformed)
		case r.Entry == 0 || uint64(r.Entry) > uint64(entries):
			return 0, fmt.Errorf("box %s: sample entry %d of %d: %w", TypeStsc, r.Entry, entries, ErrMalformed)
		}
		// At most 2^32 chunks of 2^32 samples each, over all runs together: just within 64 bits.
		total += (end - uint64(r.First)) * uint64(r.Samples)
	}
	if t.Len() == 0 && chunks > 0 {
		return 0, fmt.Errorf("box %s: empty, with %d chunks: %w", TypeStsc, chunks, ErrMalformed)
	}
	return total, nil
}

// add appends the chunk of number chunk to a table that was begun empty, as a part of the last run where it fits.
func (t *ChunkRuns) add(chunk, samples, entry uint32) {
	if n := t.Len(); n > 0 {
		if last := t.Run(n - 1); last.Samples == samples && last.Entry == entry {
			return
		}
	}
	for _, v := range [...]uint32{chunk, samples, entry} {
		t.raw = binary.BigEndian.AppendUint32(t.raw, v)
	}
}
