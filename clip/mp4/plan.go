package mp4

import (
	"fmt"
	"math"
	"math/bits"
)

// plan is an Output with its tables made.
type plan struct {
	out    *Output
	tracks []*trackPlan
	media  int64
	// duration of the longest track, in the movie's timescale.
	duration uint64
}

// trackPlan is one track with its tables made.
type trackPlan struct {
	*OutputTrack
	durations Durations
	offsets   Offsets
	syncs     Syncs
	sizes     Sizes
	chunkRuns ChunkRuns
	// chunks are the places of the chunks, from the first byte of media on.
	chunks []int64
	// ticks is the media's duration in its own timescale, duration what is shown of it in the movie's.
	ticks, duration uint64
}

// newPlan makes the tables and checks that they fit together.
func newPlan(out *Output) (*plan, error) {
	p := &plan{out: out}
	if len(out.Tracks) == 0 {
		return nil, fmt.Errorf("no tracks: %w", ErrPlan)
	}
	var tables int64
	for i := range out.Tracks {
		t, err := newTrackPlan(&out.Tracks[i], out.Timescale)
		if err != nil {
			return nil, fmt.Errorf("track %d: %w", i+1, err)
		}
		p.tracks = append(p.tracks, t)
		p.duration = max(p.duration, t.duration)
		tables += t.tableSize()
	}
	// What is in tables, and at most 8 bytes of co64 and 12 of stsc a chunk.
	if tables += 20 * int64(len(out.Chunks)); tables > MaxMoov {
		return nil, fmt.Errorf("tables of %d bytes: %w", tables, ErrTooBig)
	}
	for _, t := range p.tracks {
		t.sizes = sizesOf(t.sizeRuns())
	}
	return p, p.addChunks()
}

// tableSize bounds the bytes of the tables that grow with samples.
func (t *trackPlan) tableSize() int64 {
	n := int64(len(t.durations.raw)+len(t.offsets.raw)+len(t.syncs.raw)) + 4096
	for _, e := range t.Entries {
		n += int64(len(e))
	}
	size := uint32(0)
	for i, r := range t.Samples {
		if i == 0 {
			size = r.Size
		}
		if r.Size != size || size == 0 { // 0 for all cannot be written as a constant
			samples, _, _ := t.durations.Total()
			return n + 4*int64(samples)
		}
	}
	return n
}

// newTrackPlan makes the tables of a track that speak of samples.
func newTrackPlan(o *OutputTrack, movieScale uint32) (*trackPlan, error) {
	t := &trackPlan{OutputTrack: o}
	switch {
	case o.Timescale == 0:
		return nil, fmt.Errorf("no timescale: %w", ErrPlan)
	case len(o.Entries) == 0:
		return nil, fmt.Errorf("no sample entry: %w", ErrPlan)
	case len(o.Name) > math.MaxUint16:
		return nil, fmt.Errorf("handler name of %d bytes: %w", len(o.Name), ErrPlan)
	}
	for i, e := range o.Entries {
		if h, err := ParseBoxHeader(e); err != nil || h.Size != int64(len(e)) {
			return nil, fmt.Errorf("sample entry %d is no box: %w", i, ErrPlan)
		}
	}
	if err := t.addSamples(); err != nil {
		return nil, err
	}
	_, ticks, ok := t.durations.Total()
	if !ok {
		return nil, fmt.Errorf("duration beyond 63 bits: %w", ErrPlan)
	}
	t.ticks = uint64(ticks)
	t.duration, ok = rescale(t.ticks, uint64(o.Timescale), uint64(movieScale))
	for i, e := range o.Edits {
		if i == 0 {
			t.duration = 0
		}
		t.duration += e.Duration
	}
	if !ok {
		return nil, fmt.Errorf("duration beyond 64 bits: %w", ErrPlan)
	}
	return t, nil
}

// addSamples fills the tables of durations, offsets and sync samples.
func (t *trackPlan) addSamples() error {
	var total uint64
	all := true
	for _, r := range t.Samples {
		total += uint64(r.Count)
		all = all && (r.Sync || r.Count == 0)
	}
	if total > math.MaxUint32 {
		return fmt.Errorf("%d samples: %w", total, ErrPlan)
	}
	t.syncs.present = !all
	number := uint32(1)
	for _, r := range t.Samples {
		t.durations.add(DurationRun{Count: r.Count, Duration: r.Duration})
		t.offsets.add(OffsetRun{Count: r.Count, Offset: r.Offset})
		if !all && r.Sync {
			if int64(len(t.syncs.raw))+4*int64(r.Count) > MaxMoov {
				return fmt.Errorf("%d sync samples: %w", r.Count, ErrTooBig)
			}
			t.syncs.add(number, r.Count)
		}
		number += r.Count
	}
	return nil
}

// sizeRuns gives the sizes of the samples.
func (t *trackPlan) sizeRuns() []sizeRun {
	runs := make([]sizeRun, 0, len(t.Samples))
	for _, r := range t.Samples {
		if r.Count > 0 {
			runs = append(runs, sizeRun{count: r.Count, size: r.Size})
		}
	}
	return runs
}

// addChunks gives the chunks their places and checks each against the samples it takes.
func (p *plan) addChunks() error {
	taken := make([]uint32, len(p.tracks))
	for i, c := range p.out.Chunks {
		if c.Track < 0 || c.Track >= len(p.tracks) {
			return fmt.Errorf("chunk %d: track index %d of %d: %w", i, c.Track, len(p.tracks), ErrPlan)
		}
		t, first := p.tracks[c.Track], taken[c.Track]
		switch {
		case c.Entry < 0 || c.Entry >= len(t.Entries):
			return fmt.Errorf("chunk %d: sample entry index %d of %d: %w", i, c.Entry, len(t.Entries), ErrPlan)
		case c.Samples == 0 || c.Samples > t.sizes.Len()-first:
			return fmt.Errorf("chunk %d: samples %d+%d of %d: %w", i, first, c.Samples, t.sizes.Len(), ErrPlan)
		case c.Data == nil:
			return fmt.Errorf("chunk %d: no data: %w", i, ErrPlan)
		}
		size := c.Data.Size()
		if want := t.sizes.Sum(first, c.Samples); size != want {
			return fmt.Errorf("chunk %d: %d bytes for samples of %d: %w", i, size, want, ErrPlan)
		}
		t.chunks = append(t.chunks, p.media)
		t.chunkRuns.add(uint32(len(t.chunks)), c.Samples, uint32(c.Entry+1))
		taken[c.Track] += c.Samples
		if p.media += size; p.media > math.MaxInt64/2 {
			return fmt.Errorf("chunk %d: media beyond 62 bits: %w", i, ErrPlan)
		}
	}
	for i, t := range p.tracks {
		if taken[i] != t.sizes.Len() {
			return fmt.Errorf("track %d: %d of %d samples are in chunks: %w", i+1, taken[i], t.sizes.Len(), ErrPlan)
		}
	}
	return nil
}

// hasCoding reports whether a track has a sample entry of that coding.
func (p *plan) hasCoding(coding FourCC) bool {
	for _, t := range p.tracks {
		for _, e := range t.Entries {
			if h, err := ParseBoxHeader(e); err == nil && h.Type == coding {
				return true
			}
		}
	}
	return false
}

// rescale gives v ticks of from a second in ticks of to a second, rounded up so that nothing at the end is cut off;
// false if that is beyond 64 bits.
func rescale(v, from, to uint64) (uint64, bool) {
	hi, lo := bits.Mul64(v, to)
	lo, carry := bits.Add64(lo, from-1, 0)
	hi += carry
	if hi >= from {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, from)
	return q, true
}
