package still

import (
	"time"

	"clipfs/clip/archive"
)

// Running is running for the tests.
func Running(r archive.GapRule, fragments []archive.Fragment, at time.Time) (archive.Fragment, bool) {
	return running(r, fragments, at)
}

// Batch is a call, and the instants that are wanted of it.
type Batch struct {
	Start    time.Time
	Interval time.Duration
	Count    int
	At       []time.Time
}

// Instant is a time, and how old a picture of it may be.
type Instant struct{ At, Earliest time.Time }

// Batches is batches for the tests.
func Batches(instants []Instant, most int, lead bool) (all []Batch) {
	var wants []*want
	for _, i := range instants {
		wants = append(wants, &want{at: i.At, earliest: i.Earliest})
	}
	for _, b := range batches(wants, most, lead) {
		out := Batch{Start: b.start, Interval: b.interval, Count: b.count}
		for _, w := range b.wants {
			out.At = append(out.At, w.at)
		}
		all = append(all, out)
	}
	return all
}
