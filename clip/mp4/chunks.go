package mp4

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
)

// Chunk is a number of samples of one track that lie together in the file (ISO/IEC 14496-12 8.7.4).
type Chunk struct {
	// Position in bytes from the start of the file, Size in bytes.
	Position, Size int64
	// First is the first sample, counted from 0; Samples is how many there are.
	First, Samples uint32
	// Entry is an index of the track's Entries.
	Entry int
	// DTS of the first sample and Duration of all, in the track's timescale.
	DTS, Duration int64
}

// Check refuses tables that do not agree: other numbers of samples in stts, ctts, stsz and stsc, chunks that stsc does
// not place, sync samples and sample entries that do not exist, and sums beyond 63 bits. A track without samples is
// fine. It takes time in proportion to the bytes of the tables, whatever they claim. Errors wrap ErrMalformed.
func (t *Track) Check() error {
	samples := uint64(t.Sizes.Len())
	timed, _, ok := t.Durations.Total()
	if !ok || timed != samples {
		return fmt.Errorf("box %s: %d samples of %d, sum in range %t: %w", TypeStts, timed, samples, ok, ErrMalformed)
	}
	if n := t.Offsets.Samples(); t.Offsets.Len() > 0 && n != samples {
		return fmt.Errorf("box %s: %d samples of %d: %w", TypeCtts, n, samples, ErrMalformed)
	}
	placed, err := t.ChunkRuns.samples(t.ChunkOffsets.Len(), len(t.Entries))
	if err != nil {
		return err
	}
	if placed != samples {
		return fmt.Errorf("box %s: %d samples of %d: %w", TypeStsc, placed, samples, ErrMalformed)
	}
	return t.Syncs.check(samples)
}

// Chunks yields the chunks in order, in time and memory that depend on the bytes of the tables and not on the number
// of samples they speak of. An error ends the sequence; it is that of Check, or ErrMalformed where a chunk would end
// beyond 63 bits.
func (t *Track) Chunks() iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		if err := t.Check(); err != nil {
			yield(Chunk{}, err)
			return
		}
		c := Chunk{}
		clock := runCursor{raw: t.Durations.raw}
		run := 0
		for i := range t.ChunkOffsets.Len() {
			for run+1 < t.ChunkRuns.Len() && int64(t.ChunkRuns.Run(run+1).First) <= int64(i)+1 {
				run++
			}
			r := t.ChunkRuns.Run(run)
			c.Position, c.Samples, c.Entry = t.ChunkOffsets.At(i), r.Samples, int(r.Entry)-1
			c.Size = t.Sizes.Sum(c.First, c.Samples)
			c.DTS += c.Duration
			c.Duration = clock.skip(c.Samples)
			// A constant size times a count can reach into the 64th bit, which shows as less than 0.
			if c.Size < 0 || c.Position > math.MaxInt64-c.Size {
				yield(Chunk{}, fmt.Errorf("chunk %d: %d+%d: %w", i+1, c.Position, uint64(c.Size), ErrMalformed))
				return
			}
			if !yield(c, nil) {
				return
			}
			c.First += c.Samples
		}
	}
}

// runCursor goes by samples through runs of (count, value): through stts, or ctts.
type runCursor struct {
	// raw has the runs that follow; left is how many samples the one before them, of a value, still has.
	raw         []byte
	left, value uint32
}

// skip goes over n samples of stts and gives the time they take. The table was checked to have them.
func (c *runCursor) skip(n uint32) int64 {
	var ticks int64
	for n > 0 {
		if !c.fill() {
			return ticks
		}
		k := min(n, c.left)
		ticks += int64(k) * int64(c.value)
		c.left -= k
		n -= k
	}
	return ticks
}

// upTo gives how many of the next n samples there are up to the first that lasts longer than long, with it; n if none
// does. The cursor stays where it is.
func (c *runCursor) upTo(long, n uint32) uint32 {
	ahead, seen := *c, uint32(0)
	for seen < n && ahead.fill() {
		if ahead.value > long {
			return seen + 1
		}
		k := min(ahead.left, n-seen)
		seen += k
		ahead.left -= k
	}
	return n
}

// one gives the value of the next sample, 0 where there is none.
func (c *runCursor) one() uint32 {
	if !c.fill() {
		return 0
	}
	c.left--
	return c.value
}

// fill takes the next run where the last is used up.
func (c *runCursor) fill() bool {
	for c.left == 0 {
		if len(c.raw) < runSize {
			return false
		}
		c.left, c.value = binary.BigEndian.Uint32(c.raw), binary.BigEndian.Uint32(c.raw[4:])
		c.raw = c.raw[runSize:]
	}
	return true
}
