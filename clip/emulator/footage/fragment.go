package footage

import "time"

// Fragment is one stored fragment: a small value that refers to its media, which it shares with others.
type Fragment struct {
	// Number is the fragment number: 47 decimal digits that increase with ingestion.
	Number string
	// Producer and Server are the times of its start, UTC, in whole milliseconds.
	Producer, Server time.Time
	// Length is the time from its first to its last video frame: the last frame's own length is left out.
	Length time.Duration
	// Size is its size in bytes as stored: exactly what WriteMatroska writes for it alone.
	Size int64

	cut *cut
	// origin is the time of the media's zero, with all the precision there is.
	origin time.Time
	// stamped says that a stamp stands before the first video sample.
	stamped bool
}

// Time gives the fragment's start by the selector's clock.
func (f Fragment) Time(sel Selector) time.Time {
	if sel == ByServer {
		return f.Server
	}
	return f.Producer
}
