package segment

import (
	"fmt"

	"clipfs/clip/mp4"
	"clipfs/clip/ts"
)

// leastDelay is the delay of a stream whose pictures are not shown in the order in which they are decoded, at least, in ticks of
// 90 kHz. FFmpeg seeks 3/23 s further back in those (fftools, open_input_file), and where that is before the first time of
// decoding of a playlist it does not find the beginning. The delay is a whole number of pictures then: where FFmpeg counts times of decoding in pictures,
// as it does when it copies, two must not be rounded to one.
const leastDelay = ts.ClockRate * 3 / 20

// Delay gives how much earlier than it is shown the first picture of a movie is to be decoded, in ticks of 90 kHz: as much as its
// tables say and the order of its pictures needs, and as players need to find the first one.
func Delay(movie *mp4.Movie) (int64, error) {
	t := movie.Video()
	if t == nil {
		return 0, fmt.Errorf("no pictures: %w", ts.ErrUnsupported)
	}
	c := clock{timescale: int64(t.Timescale)}
	var first *mp4.Sample
	var delay, apart int64
	for s, err := range t.Samples() {
		if err != nil {
			return 0, err
		}
		if first == nil {
			one := s
			first, delay = &one, max(0, int64(s.Offset))
		}
		if apart == 0 {
			apart = s.DTS - first.DTS
		}
		delay = max(delay, (s.DTS-first.DTS)-(s.PTS()-first.PTS()))
	}
	if delay == 0 {
		return 0, nil
	}
	for apart > 0 && c.ticks(delay) < leastDelay {
		delay += apart
	}
	return max(c.ticks(delay), leastDelay), nil
}

// decode sets when pictures are decoded, none later than it is shown: the first of them a delay before it is shown, and the others as much later as the
// file says, in ticks.
func decode(u []ts.Unit, later []int64, delay int64) {
	for i := range u {
		u[i].DTS = min(u[0].PTS-delay+later[i], u[i].PTS) // ticks are rounded
	}
}
