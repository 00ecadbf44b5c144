package mp4

import "encoding/binary"

// Shown says when the pictures of a track are shown, in its ticks, counted from when its first sample is.
type Shown struct {
	// Earliest is at most 0: pictures of an open group can be shown before the first in decoding order.
	Earliest, Latest int64
	// Least is the least composition offset.
	Least int32
}

// Shown reads when samples are shown, run by run. The track must have passed Check.
func (t *Track) Shown() Shown {
	clock := durationCursor{table: t.Durations}
	if t.Offsets.Len() == 0 {
		return Shown{Latest: clock.skip(t.Sizes.Len() - min(1, t.Sizes.Len()))}
	}
	first := int64(t.Offsets.First())
	s := Shown{Least: int32(first)}
	var now int64
	for raw := t.Offsets.raw; len(raw) >= offsetRunSize; raw = raw[offsetRunSize:] { // a day has millions of runs
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
