package mp4

import (
	"encoding/binary"
	"iter"
)

// Sample is one sample of a track.
type Sample struct {
	// DTS in the track's timescale, before edits; the first sample has 0.
	DTS int64
	// Offset is PTS minus DTS.
	Offset int32
	// Duration is the distance to the next sample's DTS.
	Duration uint32
	// Size in bytes and Position in bytes from the start of the file.
	Size     uint32
	Position int64
	// Sync says that decoding can begin here.
	Sync bool
	// Entry is an index of the track's Entries.
	Entry int
}

// PTS is when the sample is shown, in the track's timescale, before edits.
func (s Sample) PTS() int64 { return s.DTS + int64(s.Offset) }

// Samples yields the samples in decoding order, expanded one by one from the tables. A few bytes can speak of 2^32 of
// them, each byte of G.711 for example: where that matters, use Chunks. An error ends the sequence; it is that of
// Chunks.
func (t *Track) Samples() iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		clock, offsets := runCursor{raw: t.Durations.raw}, runCursor{raw: t.Offsets.raw}
		sync := 0
		for c, err := range t.Chunks() {
			if err != nil {
				yield(Sample{}, err)
				return
			}
			s := Sample{DTS: c.DTS, Position: c.Position, Entry: c.Entry}
			for i := range c.Samples {
				s.Duration, s.Offset, s.Size = clock.one(), int32(offsets.one()), t.Sizes.At(c.First+i)
				s.Sync = t.Syncs.All()
				if sync < t.Syncs.Len() && t.Syncs.Number(sync) == c.First+i+1 {
					s.Sync = true
					sync++
				}
				if !yield(s, nil) {
					return
				}
				s.DTS += int64(s.Duration)
				s.Position += int64(s.Size)
			}
		}
	}
}

// Shown says when the pictures of a track are shown, in its ticks, counted from when its first sample is.
type Shown struct {
	// Earliest is at most 0: pictures of an open group can be shown before the first in decoding order.
	Earliest, Latest int64
	// Least is the least composition offset.
	Least int32
}

// Shown reads when samples are shown, run by run. The track must have passed Check.
func (t *Track) Shown() Shown {
	clock := runCursor{raw: t.Durations.raw}
	if t.Offsets.Len() == 0 {
		return Shown{Latest: clock.skip(t.Sizes.Len() - min(1, t.Sizes.Len()))}
	}
	first := int64(t.Offsets.First())
	s := Shown{Least: int32(first)}
	var now int64
	for raw := t.Offsets.raw; len(raw) >= runSize; raw = raw[runSize:] { // a day has millions of runs
		count, offset := binary.BigEndian.Uint32(raw), int32(binary.BigEndian.Uint32(raw[4:]))
		if count == 0 {
			continue
		}
		s.Least = min(s.Least, offset)
		s.Earliest = min(s.Earliest, now+int64(offset)-first)
		if count > 1 {
			now += clock.skip(count - 1)
		}
		s.Latest = max(s.Latest, now+int64(offset)-first)
		now += int64(clock.one())
	}
	return s
}
