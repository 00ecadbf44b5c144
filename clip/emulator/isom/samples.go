package isom

import (
	"fmt"
	"iter"
)

// Sample is one sample of a track.
type Sample struct {
	// DTS, Duration and Offset (of PTS from DTS) are in ticks of the track; the first sample has DTS 0.
	DTS      int64
	Duration uint32
	Offset   int32
	// At is where it lies in the file.
	At   int64
	Size uint32
	// Sync says that decoding can begin at it.
	Sync bool
	// Chunk is an index of the track's Chunks.
	Chunk int
}

// PTS is when the sample is shown, before edits.
func (s Sample) PTS() int64 { return s.DTS + int64(s.Offset) }

// Count is how many samples a track has; what the tables claim, so it can be beyond anything that the file holds.
func (t *Track) Count() int {
	if stz2 := t.Tables().Find("stz2"); stz2 != nil {
		return int(Word(stz2.Body, 8))
	}
	if stsz := t.Tables().Find("stsz"); stsz != nil {
		return int(Word(stsz.Body, 8))
	}
	return 0
}

// Samples yields the samples in the order of decoding. An error, where tables do not agree, ends the sequence.
func (t *Track) Samples() iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		tables := t.Tables()
		durations, offsets := newRuns(tables.Find("stts")), newRuns(tables.Find("ctts"))
		sizes, sync := newSizes(tables), newSyncs(tables.Find("stss"))
		stsc := body(tables.Find("stsc"))
		total, next, run := t.Count(), 0, 8
		var s Sample
		for c, at := range t.Chunks {
			for run+12+4 <= len(stsc) && int64(Word(stsc, run+12)) <= int64(c)+1 {
				run += 12
			}
			s.Chunk, s.At = c, at
			for range Word(stsc, run+4) {
				var timed, sized bool
				var duration, offset uint32
				duration, timed = durations.next()
				s.Size, sized = sizes.at(next)
				if next == total || !timed || !sized {
					yield(Sample{}, fmt.Errorf("chunk %d has samples that are not there: %w", c+1, ErrInvalid))
					return
				}
				offset, _ = offsets.next()
				s.Duration, s.Offset, s.Sync = duration, int32(offset), sync.next()
				if !yield(s, nil) {
					return
				}
				s.DTS += int64(duration)
				s.At += int64(s.Size)
				next++
			}
		}
		if next != total {
			yield(Sample{}, fmt.Errorf("%d of %d samples are in chunks: %w", next, total, ErrInvalid))
		}
	}
}

// body is the body of a box that may be missing.
func body(b *Box) []byte {
	if b == nil {
		return nil
	}
	return b.Body
}

// runs goes through a table of counts and values (stts, ctts).
type runs struct {
	rest  []byte
	left  uint32
	value uint32
}

// newRuns goes through the table of a box, or through none.
func newRuns(b *Box) *runs { return &runs{rest: body(b)[min(8, len(body(b))):]} }

// next gives the next sample's value, and false where there is none.
func (r *runs) next() (uint32, bool) {
	for ; r.left == 0; r.rest = r.rest[8:] {
		if len(r.rest) < 8 {
			return 0, false
		}
		r.left, r.value = Word(r.rest, 0), Word(r.rest, 4)
	}
	r.left--
	return r.value, true
}

// sizes is a table of sizes: stsz, or stz2 with fields of 4, 8 or 16 bits.
type sizes struct {
	constant uint32
	list     []byte
	bits     int
}

// newSizes finds the table of sizes.
func newSizes(tables *Box) sizes {
	if stz2 := tables.Find("stz2"); stz2 != nil {
		return sizes{list: stz2.Body[min(12, len(stz2.Body)):], bits: int(Word(stz2.Body, 4) & 0xff)}
	}
	stsz := body(tables.Find("stsz"))
	return sizes{constant: Word(stsz, 4), list: stsz[min(12, len(stsz)):], bits: 32}
}

// at gives the size of a sample, and false where there is none.
func (z sizes) at(i int) (uint32, bool) {
	if z.constant != 0 {
		return z.constant, true
	}
	place := i * z.bits / 8
	if (i+1)*z.bits > len(z.list)*8 {
		return 0, false
	}
	switch z.bits {
	case 4:
		return uint32(z.list[place] >> (4 - i%2*4) & 15), true
	case 8:
		return uint32(z.list[place]), true
	case 16:
		return uint32(half(z.list, place)), true
	case 32:
		return Word(z.list, place), true
	}
	return 0, false
}

// syncs goes through stss.
type syncs struct {
	all    bool
	rest   []byte
	number uint32
}

// newSyncs goes through the table of a box; without one every sample is a sync sample.
func newSyncs(b *Box) *syncs { return &syncs{all: b == nil, rest: body(b)[min(8, len(body(b))):]} }

// next reports whether decoding can begin at the next sample.
func (s *syncs) next() bool {
	s.number++
	for len(s.rest) >= 4 && Word(s.rest, 0) < s.number {
		s.rest = s.rest[4:]
	}
	return s.all || len(s.rest) >= 4 && Word(s.rest, 0) == s.number
}
