package isom

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// maxMoov is the longest moov that is planned, in bytes.
const maxMoov = 256 << 20

// plan is an Output with its tables made.
type plan struct {
	*Output
	tracks []*trackPlan
	// media is how many bytes all chunks have.
	media int64
	// duration of the longest track, in the movie's timescale.
	duration uint64
}

// trackPlan is one track with its tables made: whole bodies of boxes.
type trackPlan struct {
	*OutputTrack
	stts, ctts, stss, stsz, stsc []byte
	// shifted says that a sample is not shown when it is decoded, listed that not every sample is a sync sample.
	shifted, listed bool
	samples         uint64
	// chunks are the places of the chunks, from the first byte of media on.
	chunks []int64
	// ticks is the media's duration in its own timescale, duration what is shown of it in the movie's.
	ticks, duration uint64
	// run and used say which samples chunks have taken: those of the runs before, and so many of this one.
	run  int
	used uint32
}

// newPlan makes the tables and checks that they fit together.
func newPlan(out *Output) (*plan, error) {
	p := &plan{Output: out}
	if len(out.Tracks) == 0 {
		return nil, fmt.Errorf("no tracks: %w", ErrPlan)
	}
	room := int64(maxMoov) - 20*int64(len(out.Chunks)) // at most 8 bytes of co64 and 12 of stsc a chunk
	for i := range out.Tracks {
		t := &trackPlan{OutputTrack: &out.Tracks[i]}
		err := t.check()
		if err == nil {
			err = t.addSamples(&room)
		}
		if err == nil {
			err = t.measure(out.Timescale)
		}
		if err != nil {
			return nil, fmt.Errorf("track %d: %w", i+1, err)
		}
		p.tracks = append(p.tracks, t)
		p.duration = max(p.duration, t.duration)
	}
	return p, p.addChunks()
}

// check refuses a track that no box can hold.
func (t *trackPlan) check() error {
	switch {
	case t.Timescale == 0:
		return fmt.Errorf("no timescale: %w", ErrPlan)
	case len(t.Entries) == 0:
		return fmt.Errorf("no sample entry: %w", ErrPlan)
	case len(t.Name) > math.MaxUint16:
		return fmt.Errorf("handler name of %d bytes: %w", len(t.Name), ErrPlan)
	}
	for i, e := range t.Entries {
		if len(e) < 8 || int64(Word(e, 0)) != int64(len(e)) {
			return fmt.Errorf("sample entry %d is no box: %w", i, ErrPlan)
		}
	}
	for _, r := range t.Samples {
		t.samples += uint64(r.Count)
		t.listed = t.listed || !r.Sync && r.Count > 0
		t.shifted = t.shifted || r.Offset != 0 && r.Count > 0
	}
	if t.samples > math.MaxUint32 {
		return fmt.Errorf("%d samples: %w", t.samples, ErrPlan)
	}
	return nil
}

// addSamples makes the tables that speak of samples, where there is room.
func (t *trackPlan) addSamples(room *int64) error {
	size, same := t.constant()
	if !same {
		*room -= 4 * int64(t.samples)
	}
	for _, r := range t.Samples {
		if *room -= 16; t.listed && r.Sync {
			*room -= 4 * int64(r.Count)
		}
	}
	for _, e := range t.Entries {
		*room -= int64(len(e))
	}
	if *room < 0 {
		return fmt.Errorf("%d samples: %w", t.samples, ErrTooBig)
	}
	version, number := uint32(0), uint32(1)
	var stts, ctts, stss, stsz []byte
	for _, r := range t.Samples {
		stts, ctts = addRun(stts, r.Count, r.Duration), addRun(ctts, r.Count, uint32(r.Offset))
		if r.Offset < 0 && r.Count > 0 {
			version = 1 << 24
		}
		for i := uint32(0); t.listed && r.Sync && i < r.Count; i++ {
			stss = binary.BigEndian.AppendUint32(stss, number+i)
		}
		for i := uint32(0); !same && i < r.Count; i++ {
			stsz = binary.BigEndian.AppendUint32(stsz, r.Size)
		}
		number += r.Count
	}
	t.stts, t.ctts, t.stss = table(0, 8, stts), table(version, 8, ctts), table(0, 4, stss)
	t.stsz = append(Words(0, size, uint32(t.samples)), stsz...)
	return nil
}

// constant gives the size that all samples have; false where they have to be listed: it differs, or is 0 for all, which
// would announce a list.
func (t *trackPlan) constant() (size uint32, same bool) {
	for _, r := range t.Samples {
		if r.Count == 0 {
			continue
		}
		if size == 0 {
			size = r.Size
		}
		if r.Size != size || size == 0 {
			return 0, false
		}
	}
	return size, size > 0
}

// addRun appends (count, value) to a table of runs, or makes its last run longer.
func addRun(runs []byte, count, value uint32) []byte {
	if count == 0 {
		return runs
	}
	if n := len(runs); n > 0 && Word(runs, n-4) == value { // all samples fit 32 bits
		binary.BigEndian.PutUint32(runs[n-8:], Word(runs, n-8)+count)
		return runs
	}
	return append(runs, Words(count, value)...)
}

// table makes the body of a full box of entries of some bytes each.
func table(version uint32, each int, entries []byte) []byte {
	return append(Words(version, uint32(len(entries)/each)), entries...)
}

// measure finds out how long a track lasts.
func (t *trackPlan) measure(movieScale uint32) error {
	for _, r := range t.Samples {
		t.ticks += uint64(r.Count) * uint64(r.Duration) // at most 2^32 samples of 2^32 ticks
		if t.ticks > math.MaxInt64 {
			return fmt.Errorf("duration beyond 63 bits: %w", ErrPlan)
		}
	}
	hi, lo := bits.Mul64(t.ticks, uint64(movieScale))
	lo, carry := bits.Add64(lo, uint64(t.Timescale)-1, 0) // rounded up, so that nothing at the end is cut off
	if hi += carry; hi >= uint64(t.Timescale) {
		return fmt.Errorf("duration beyond 64 bits: %w", ErrPlan)
	}
	t.duration, _ = bits.Div64(hi, lo, uint64(t.Timescale))
	if len(t.Edits) > 0 {
		t.duration = 0
		for _, e := range t.Edits {
			t.duration += e.Duration
		}
	}
	return nil
}

// addChunks gives the chunks their places and checks each against the samples it takes.
func (p *plan) addChunks() error {
	for i, c := range p.Chunks {
		if c.Track < 0 || c.Track >= len(p.tracks) {
			return fmt.Errorf("chunk %d: track index %d of %d: %w", i, c.Track, len(p.tracks), ErrPlan)
		}
		t := p.tracks[c.Track]
		switch {
		case c.Entry < 0 || c.Entry >= len(t.Entries):
			return fmt.Errorf("chunk %d: sample entry index %d of %d: %w", i, c.Entry, len(t.Entries), ErrPlan)
		case c.Samples == 0:
			return fmt.Errorf("chunk %d: no samples: %w", i, ErrPlan)
		case c.Data == nil:
			return fmt.Errorf("chunk %d: no data: %w", i, ErrPlan)
		}
		size := c.Data.Size()
		if want, left := t.take(c.Samples); left > 0 || size != want {
			return fmt.Errorf("chunk %d: %d bytes for samples of %d, %d lack: %w", i, size, want, left, ErrPlan)
		}
		t.chunks = append(t.chunks, p.media)
		if n := len(t.stsc); n == 0 || Word(t.stsc, n-8) != c.Samples || Word(t.stsc, n-4) != uint32(c.Entry+1) {
			t.stsc = append(t.stsc, Words(uint32(len(t.chunks)), c.Samples, uint32(c.Entry+1))...)
		}
		if p.media += size; p.media > math.MaxInt64/2 {
			return fmt.Errorf("chunk %d: media beyond 62 bits: %w", i, ErrPlan)
		}
	}
	for i, t := range p.tracks {
		if _, left := t.take(1); left == 0 {
			return fmt.Errorf("track %d: not all of its %d samples are in chunks: %w", i+1, t.samples, ErrPlan)
		}
	}
	return nil
}

// take takes the next samples of a track and gives their size together, and how many there are not.
func (t *trackPlan) take(n uint32) (size int64, left uint32) {
	for n > 0 && t.run < len(t.Samples) {
		r := t.Samples[t.run]
		k := min(n, r.Count-t.used)
		size += int64(k) * int64(r.Size)
		n -= k
		if t.used += k; t.used == r.Count {
			t.run, t.used = t.run+1, 0
		}
	}
	return size, n
}
