package mp4

import "time"

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
