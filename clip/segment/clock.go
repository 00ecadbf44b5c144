package segment

import (
	"time"

	"clipfs/clip/mp4"
	"clipfs/clip/ts"
)

// clock turns times of a track into ticks of 90 kHz and into positions of the file.
type clock struct {
	timescale int64
	// shift is by how much later than its media says a frame is shown.
	shift time.Duration
}

// clockOf reads the beginning of the track's edit list: empty time, then the media from a time on.
func clockOf(t *mp4.Track, movieScale uint32) clock {
	c := clock{timescale: int64(t.Timescale)}
	for _, e := range t.Edits {
		if e.MediaTime >= 0 {
			c.shift -= c.length(e.MediaTime)
			break
		}
		c.shift += clock{timescale: int64(movieScale)}.length(int64(e.Duration))
	}
	return c
}

// ticks gives a number of the track's ticks in ticks of 90 kHz, to the nearest one.
func (c clock) ticks(n int64) int64 {
	whole, rest := n/c.timescale, n%c.timescale
	half := c.timescale / 2
	if rest < 0 {
		half = -half
	}
	return whole*ts.ClockRate + (rest*ts.ClockRate+half)/c.timescale
}

// length gives a number of the track's ticks as a time.
func (c clock) length(n int64) time.Duration {
	return time.Duration(n/c.timescale)*time.Second + time.Duration(n%c.timescale*int64(time.Second)/c.timescale)
}

// ticksOf gives a time in ticks of 90 kHz, to the nearest one.
func ticksOf(d time.Duration) int64 { return clock{timescale: int64(time.Second)}.ticks(int64(d)) }
