package images

import (
	"io"
	"time"
)

// FrameOf gives when a shot's frame is shown, and the number of its fragment.
func FrameOf(s Shot) (at time.Time, number string) {
	if s.fragment == nil {
		return time.Time{}, ""
	}
	return s.fragment.Producer.Add(s.video[s.frame].PTS), s.fragment.Number
}

// CountRaw counts the pictures that can be read, and gives their size.
func CountRaw(from io.Reader) (n, width, height int, err error) {
	r, err := newRawReader(from)
	for err == nil {
		if _, err = r.next(); err == nil {
			n++
		}
	}
	if r != nil {
		width, height = r.width, r.height
	}
	return n, width, height, err
}
