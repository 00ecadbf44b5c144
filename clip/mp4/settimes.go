package mp4

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// SetTimes sets the creation and modification times of a moov, given whole with its header, to t, to the second: those
// of mvhd (ISO/IEC 14496-12 8.2.2) and of each track's tkhd (8.3.2) and mdhd (8.4.2). It works in place and changes no
// size. ErrMalformed where such a box is broken, or where t needs 64 bits (from 2040 on) and a box has 32; then
// nothing is changed.
func SetTimes(moov []byte, t time.Time) error {
	top, err := wholeBox(moov, TypeMoov)
	if err != nil {
		return err
	}
	seconds := Seconds(t)
	bodies, err := timedBoxes(top.Body, nil, 0)
	if err != nil {
		return err
	}
	if len(bodies) == 0 {
		return fmt.Errorf("box %s is missing: %w", TypeMvhd, ErrMalformed)
	}
	for _, c := range bodies {
		wide, size := c.Body[0] == 1, 4+2*4
		if wide {
			size = 4 + 2*8
		}
		if len(c.Body) < size || !wide && seconds > math.MaxUint32 {
			return fmt.Errorf("box %s: no room for time %d: %w", c.Type, seconds, ErrMalformed)
		}
	}
	for _, c := range bodies {
		if c.Body[0] == 1 {
			binary.BigEndian.PutUint64(c.Body[4:], seconds)
			binary.BigEndian.PutUint64(c.Body[12:], seconds)
			continue
		}
		binary.BigEndian.PutUint32(c.Body[4:], uint32(seconds))
		binary.BigEndian.PutUint32(c.Body[8:], uint32(seconds))
	}
	return nil
}

// timedBoxes collects the boxes with times in body, which is that of moov at depth 0, of trak at 1, of mdia at 2.
func timedBoxes(body []byte, found []Child, depth int) ([]Child, error) {
	boxes := [...]struct{ timed, container FourCC }{
		{TypeMvhd, TypeTrak},
		{TypeTkhd, TypeMdia},
		{TypeMdhd, 0},
	}[depth]
	for c, err := range Children(body) {
		if err != nil {
			return nil, err
		}
		switch {
		case c.Type == boxes.timed:
			if len(c.Body) == 0 {
				return nil, fmt.Errorf("box %s: empty: %w", c.Type, ErrMalformed)
			}
			found = append(found, c)
		case c.Type == boxes.container && depth < 2:
			if found, err = timedBoxes(c.Body, found, depth+1); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// epoch is 1904-01-01T00:00:00Z, from which the format counts seconds (ISO/IEC 14496-12 8.2.2), in Unix time.
const epoch = -2082844800

// Seconds is a time as the format counts it, cut to the second; the zero time and all before 1904 are 0.
func Seconds(t time.Time) uint64 {
	if s := t.Unix() - epoch; !t.IsZero() && s > 0 {
		return uint64(s)
	}
	return 0
}

// fromSeconds turns the format's seconds into a time; 0 means that the time is not known and gives the zero time, as
// do times that no calendar reaches.
func fromSeconds(s uint64) time.Time {
	const far = 1 << 40
	if s == 0 || s > far {
		return time.Time{}
	}
	return time.Unix(int64(s)+epoch, 0).UTC()
}
