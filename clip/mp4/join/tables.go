package join

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"

	"clipfs/clip/mp4"
)

// tableWriter writes entries of a table; without a writer it counts those of stts, ctts and stsc, in which it joins what goes on as the
// last one.
type tableWriter struct {
	w *bufio.Writer
	n uint64
	// count and value are the run of stts or ctts under way, samples and entry the last one of stsc.
	count, value   uint32
	samples, entry uint32
}

// add takes count samples of a value.
func (r *tableWriter) add(count, value uint32) error {
	switch {
	case count == 0:
		return nil
	case r.count > 0 && r.value == value && r.count <= math.MaxUint32-count:
		r.count += count
		return nil
	}
	err := r.flush()
	r.count, r.value = count, value
	return err
}

// flush ends the table or the run.
func (r *tableWriter) flush() error {
	if r.count == 0 {
		return nil
	}
	r.n++
	count, value := r.count, r.value
	r.count = 0
	return r.put(count, value)
}

// put writes numbers of 32 bits; nothing without a writer.
func (r *tableWriter) put(values ...uint32) error {
	if r.w == nil {
		return nil
	}
	b := r.w.AvailableBuffer()
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	_, err := r.w.Write(b)
	return err
}

// checked gives a value as 32 bits.
func checked(v, low, high int64) (uint32, error) {
	if v < low || v > high {
		return 0, fmt.Errorf("sample with a time of %d ticks: %w", v, ErrIncompatible)
	}
	return uint32(v), nil
}

// addDurations adds a part's entries of stts.
func (t *outputTrack) addDurations(r *tableWriter, p *trackPart, own *mp4.Track) error {
	return t.durations(p, own, func(count uint32, duration int64) error {
		v, err := checked(duration, 0, math.MaxUint32)
		if err != nil {
			return err
		}
		if r.w == nil {
			t.ticks += uint64(count) * uint64(v)
		}
		return r.add(count, v)
	})
}

// addOffsets adds a part's entries of ctts.
func (t *outputTrack) addOffsets(r *tableWriter, p *trackPart, own *mp4.Track) error {
	return t.offsets(p, own, func(count uint32, offset int64) error {
		v, err := checked(offset, math.MinInt32, math.MaxInt32)
		if err != nil {
			return err
		}
		if r.w == nil && count > 0 {
			t.reordered = t.reordered || offset != 0
			t.signed = t.signed || offset < 0
		}
		return r.add(count, v)
	})
}

// addSyncs adds a part's entries of stss; before is how many samples precede the part.
func (r *tableWriter) addSyncs(own *mp4.Track, before uint32) error {
	if !own.Syncs.All() {
		for n := range own.Syncs.Numbers() {
			if err := r.put(before + n); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range own.Sizes.Len() {
		if err := r.put(before + i + 1); err != nil {
			return err
		}
	}
	return nil
}

// addChunkRuns adds a part's entries of stsc; before is how many chunks precede the part.
func (r *tableWriter) addChunkRuns(p *trackPart, own *mp4.Track, before uint32) error {
	for run := range own.ChunkRuns.Runs() {
		entry := uint32(p.entries[run.Entry-1] + 1)
		if r.n > 0 && run.Samples == r.samples && entry == r.entry {
			continue
		}
		r.samples, r.entry = run.Samples, entry
		r.n++
		if err := r.put(before+run.First, r.samples, r.entry); err != nil {
			return err
		}
	}
	return nil
}

// addSizes adds a part's entries of stsz, with what is inserted before a sample counted to it.
func (t *outputTrack) addSizes(w *tableWriter, p *inputPart, own *mp4.Track) error {
	from := uint32(0)
	if t.kind == 0 {
		for _, in := range p.inserts {
			if err := w.copySizes(own.Sizes, from, in.sample); err != nil {
				return err
			}
			if err := w.put(own.Sizes.At(in.sample) + uint32(len(t.sets[in.entry]))); err != nil {
				return err
			}
			from = in.sample + 1
		}
	}
	return w.copySizes(own.Sizes, from, own.Sizes.Len())
}

// copySizes writes the sizes of samples from to before to, as they stand in the table where that has 32 bits.
func (r *tableWriter) copySizes(t mp4.Sizes, from, to uint32) error {
	if words, ok := t.Words(from, to); ok {
		_, err := r.w.Write(words)
		return err
	}
	for i := from; i < to; i++ {
		if err := r.put(t.At(i)); err != nil {
			return err
		}
	}
	return nil
}

// addChunkOffsets adds a part's entries of stco or co64; base is where the part begins in the joined file.
func (t *outputTrack) addChunkOffsets(w *tableWriter, p *inputPart, own *mp4.Track, base int64, wide bool) error {
	for at := range own.ChunkOffsets.All() {
		at = base + p.position(at, t.kind == 0)
		if wide {
			if err := w.put(uint32(at >> 32)); err != nil {
				return err
			}
		}
		if err := w.put(uint32(at)); err != nil {
			return err
		}
	}
	return nil
}
