package mp4

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Sizes of the samples that G.711 is grouped into.
const (
	// groupsPerSecond is how many there are at least: demuxers that do the grouping themselves take 25 to 128 ms.
	groupsPerSecond = 10
	// minGroup is up to how many bytes a channel are not split, however low the rate claims to be.
	minGroup = 128
	// maxGroups is how many there can be in one part: days of sound.
	maxGroups = 1 << 22
)

// IsG711 reports whether a coding is one of the two laws of G.711: one byte a channel at each sampling time.
func (f FourCC) IsG711() bool { return f == CodingALaw || f == CodingULaw }

// bytewise reports whether every sample of a track is no more than one byte of G.711 a channel, and all are shown as
// much later than they are decoded.
func bytewise(t *Track) bool {
	size := t.Sizes.Constant()
	for _, e := range t.Entries {
		if !e.Type.IsG711() || size > max(1, uint32(e.Channels)) {
			return false
		}
	}
	offset := t.Offsets.First()
	for r := range t.Offsets.Runs() {
		if r.Count > 0 && r.Offset != offset {
			return false
		}
	}
	return size > 0 && len(t.Entries) > 0
}

// Grouped is a track of G.711 with larger samples where each was one byte a channel, and any other track as it is. The
// media stays in its chunks: a chunk becomes one sample, or several of nearly equal size. A byte that lasts over a
// millisecond longer than it should ends its group, so that what follows begins at its time.
//
// One byte a sample is how QuickTime counts uncompressed sound of a constant rate, and demuxers take many at once. A gap
// breaks that: GStreamer's demuxer ignores durations, so that all sound after the gap is early, and ffmpeg's goes byte by
// byte once one does not last one tick (an hour with one gap: 700 MB to open it). Sizes are listed even if all are equal:
// GStreamer recognizes such sound by a constant size.
func (t *Track) Grouped() (*Track, error) {
	if !bytewise(t) {
		return t, nil
	}
	rate := t.Entries[0].Rate
	if rate == 0 {
		rate = t.Timescale
	}
	g := *t
	g.Durations, g.Offsets, g.Syncs, g.ChunkRuns = Durations{}, Offsets{}, Syncs{}, ChunkRuns{}
	w := grouper{
		track: &g, clock: runCursor{raw: t.Durations.raw}, size: t.Sizes.Constant(),
		most: max(minGroup, rate/groupsPerSecond),
		long: t.Timescale/rate + max(1, t.Timescale/1000),
	}
	likely := min(uint64(t.Sizes.Len())/uint64(w.most)+uint64(t.ChunkOffsets.Len()), maxGroups)
	g.Sizes = Sizes{width: 32, raw: make([]byte, 0, 4*likely)}
	number := uint32(0)
	for c, err := range t.Chunks() {
		if err != nil {
			return nil, err
		}
		before := g.Sizes.count
		if err := w.chunk(c.Samples); err != nil {
			return nil, err
		}
		number++
		g.ChunkRuns.add(number, g.Sizes.count-before, uint32(c.Entry)+1)
	}
	if t.Offsets.Len() > 0 {
		g.Offsets.add(OffsetRun{Count: g.Sizes.count, Offset: t.Offsets.First()})
	}
	return &g, nil
}

// grouper makes the tables of a grouped track.
type grouper struct {
	track *Track
	// size of a sample in bytes; a group has most samples at the most.
	size, most uint32
	// long is how many ticks a sample can last without being the last of its group.
	long  uint32
	clock runCursor
}

// chunk groups the samples of the next chunk.
func (w *grouper) chunk(samples uint32) error {
	for samples > 0 {
		n := w.clock.upTo(w.long, samples)
		samples -= n
		groups := (n-1)/w.most + 1
		if w.track.Sizes.count+groups > maxGroups {
			return fmt.Errorf("more than %d groups of sound: %w", maxGroups, ErrTooBig)
		}
		for i := range groups {
			each := n / groups
			if i >= groups-n%groups {
				each++
			}
			if err := w.group(each); err != nil {
				return err
			}
		}
	}
	return nil
}

// group makes one sample of so many.
func (w *grouper) group(samples uint32) error {
	ticks := w.clock.skip(samples)
	size := uint64(samples) * uint64(w.size)
	if ticks > math.MaxUint32 || size > math.MaxUint32 {
		return fmt.Errorf("sound of %d ticks and %d bytes in one: %w", ticks, size, ErrMalformed)
	}
	w.track.Durations.add(DurationRun{Count: 1, Duration: uint32(ticks)})
	w.track.Sizes.raw = binary.BigEndian.AppendUint32(w.track.Sizes.raw, uint32(size))
	w.track.Sizes.count++
	return nil
}
