package footage

import (
	"fmt"
	"math/bits"
	"slices"
	"time"
)

// Limits of a fragment (Kinesis Video Streams, PutMedia).
const (
	// minFragment is how long a fragment is at least, but for the last one.
	minFragment = time.Second
	// maxFragment is how long it may be.
	maxFragment = 20 * time.Second
)

// cut is what one fragment has of its media.
type cut struct {
	media *Media
	// video and audio are ranges of samples, the end not in them.
	video, audio [2]int
	// start and end are when the first frame and what comes next are shown, last when the last frame is.
	start, end, last time.Duration
	// blocks is the size of all but the first video frame as SimpleBlocks.
	blocks int64
	// stampAt is where in the first video frame a stamp goes; -1 if it has none that can be read.
	stampAt int
}

// cut cuts at key frames, each fragment at least minFragment long. An audio frame belongs to the fragment that holds its
// start.
func (m *Media) cut() error {
	samples := m.video.samples
	first := 0
	for i := 1; i <= len(samples); i++ {
		if i < len(samples) && (!samples[i].Sync || samples[i].PTS-samples[first].PTS < minFragment) {
			continue
		}
		c := cut{media: m, video: [2]int{first, i}, start: samples[first].PTS, end: m.Duration()}
		if i < len(samples) {
			c.end = samples[i].PTS
		}
		if c.end-c.start > maxFragment {
			return fmt.Errorf("%w: no key frame from %v to %v, fragments are at most %v long",
				ErrUnsupportedMedia, c.start, c.end, maxFragment)
		}
		m.finish(&c)
		m.cuts = append(m.cuts, c)
		first = i
	}
	return nil
}

// finish finds the rest of what a cut knows once video, start and end are set.
func (m *Media) finish(c *cut) {
	from := func(t time.Duration) int {
		i, _ := slices.BinarySearchFunc(m.audio.samples, t, func(s Sample, t time.Duration) int { return int(s.PTS - t) })
		return i
	}
	c.audio = [2]int{from(c.start), from(c.end)}
	c.last = c.start
	for i, s := range m.video.samples[c.video[0]:c.video[1]] {
		c.last = max(c.last, s.PTS)
		if i > 0 {
			c.blocks += blockSize(len(s.Data))
		}
	}
	for _, s := range m.audio.samples[c.audio[0]:c.audio[1]] {
		c.blocks += blockSize(len(s.Data))
	}
	c.stampAt = stampOffset(m.video.samples[c.video[0]].Data, m.video.Track)
}

// times gives k times the period, rounded down to nanoseconds. It saturates where a time.Duration ends.
func (p period) times(k uint64) time.Duration {
	hi, lo := bits.Mul64(k, p.num)
	if hi >= p.den {
		return 1<<63 - 1
	}
	q, _ := bits.Div64(hi, lo, p.den)
	return time.Duration(min(q, 1<<63-1))
}
