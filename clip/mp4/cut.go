package mp4

import "encoding/binary"

// Cut leaves out a track's first samples and its last ones. The media stays where it
// lies; the first sample that is left is decoded at 0 and is a sync sample. The track must have passed Check.
func (t *Track) Cut(skip, drop uint32) (*Track, error) {
	c := *t
	keep := t.Sizes.Len() - skip - drop
	c.Durations, c.Offsets = Durations{cutRuns(t.Durations.raw, skip, keep)}, Offsets{cutRuns(t.Offsets.raw, skip, keep)}
	c.Syncs = Syncs{present: t.Syncs.present}
	for n := range t.Syncs.Numbers() {
		if n > skip && n <= skip+keep {
			c.Syncs.add(n-skip, 1)
		}
	}
	c.Syncs = c.Syncs.WithFirst()
	c.Sizes = cutSizes(t.Sizes, skip, keep)
	c.ChunkRuns = ChunkRuns{}
	var places []int64
	for chunk, err := range t.Chunks() {
		if err != nil {
			return nil, err
		}
		from, to := max(chunk.First, skip), min(chunk.First+chunk.Samples, skip+keep)
		if from >= to {
			continue
		}
		places = append(places, chunk.Position+t.Sizes.Sum(chunk.First, from-chunk.First))
		c.ChunkRuns.add(uint32(len(places)), to-from, uint32(chunk.Entry)+1)
	}
	c.ChunkOffsets = chunkOffsetsOf(places)
	return &c, nil
}

// cutRuns gives runs of (count, value) without the first skip of what they count, and no more than keep.
func cutRuns(raw []byte, skip, keep uint32) []byte {
	var out []byte
	for ; len(raw) > 0 && keep > 0; raw = raw[8:] {
		count, value := binary.BigEndian.Uint32(raw), binary.BigEndian.Uint32(raw[4:])
		gone := min(count, skip)
		skip -= gone
		count = min(count-gone, keep)
		keep -= count
		out = addRun(out, count, value)
	}
	return out
}

// cutSizes gives keep sizes from the one numbered skip on.
func cutSizes(t Sizes, skip, keep uint32) Sizes {
	if t.constant != 0 {
		return Sizes{count: keep, constant: t.constant}
	}
	c := Sizes{count: keep, width: 32, raw: make([]byte, 0, 4*int64(keep))}
	for i := range keep {
		c.raw = binary.BigEndian.AppendUint32(c.raw, t.At(skip+i))
	}
	return c
}
