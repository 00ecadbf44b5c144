package mp4

import (
	"encoding/binary"
	"iter"
	"math"
	"math/bits"
)

// DurationRun is a number of samples in a row that last equally long.
type DurationRun struct {
	Count uint32
	// Duration of each sample, in the track's timescale: the distance from its DTS to the next.
	Duration uint32
}

// runSize is one entry of stts, or of ctts, in bytes.
const runSize = 8

// Durations is a decoding time to sample table, stts (ISO/IEC 14496-12 8.6.1.2), as the runs the file holds.
// The zero value is an empty table.
type Durations struct{ raw []byte }

// Len is the number of runs.
func (t Durations) Len() int { return len(t.raw) / runSize }

// Run gives run i of Len.
func (t Durations) Run(i int) DurationRun {
	p := t.raw[i*runSize:]
	return DurationRun{Count: binary.BigEndian.Uint32(p), Duration: binary.BigEndian.Uint32(p[4:])}
}

// Runs yields the runs in order. Its loop becomes a part of the caller's, which that of rows does not: there can be millions.
func (t Durations) Runs() iter.Seq[DurationRun] {
	return func(yield func(DurationRun) bool) {
		for i := range t.Len() {
			if !yield(t.Run(i)) {
				return
			}
		}
	}
}

// Total gives the number of samples and the sum of their durations; false if that sum is beyond 63 bits.
func (t Durations) Total() (samples uint64, ticks int64, ok bool) {
	var sum uint64
	for r := range t.Runs() {
		samples += uint64(r.Count)
		var carry uint64
		sum, carry = bits.Add64(sum, uint64(r.Count)*uint64(r.Duration), 0)
		if carry != 0 || sum > math.MaxInt64 {
			return samples, 0, false
		}
	}
	return samples, int64(sum), true
}

// add appends a run to a table that was begun empty, as a part of the last run where it fits.
func (t *Durations) add(r DurationRun) {
	t.raw = addRun(t.raw, r.Count, r.Duration)
}

// addRun appends (count, value) to 8-byte runs, or makes the last run longer if it has the same value.
func addRun(raw []byte, count, value uint32) []byte {
	if count == 0 {
		return raw
	}
	if n := len(raw); n > 0 && binary.BigEndian.Uint32(raw[n-4:]) == value {
		if last := binary.BigEndian.Uint32(raw[n-8:]); last <= math.MaxUint32-count {
			binary.BigEndian.PutUint32(raw[n-8:], last+count)
			return raw
		}
	}
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(raw, count), value)
}
