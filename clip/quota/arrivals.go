package quota

import "time"

const (
	// told is how many answers tell how fast the service is.
	told = 16
	// jitter is the share of a second's points that is left all the same where that is known.
	jitter = 0.05
)

// arrivals tells how late the first call came that took points of a full bucket. The service's bucket was full until then, so that it has got fewer
// points than this one since. What is to spare makes up for that: without any, the service refuses a call that comes without delay.
type arrivals struct {
	// began is when points of a full bucket were taken.
	began time.Time
	// answers counts those that came since, first is how long the first of them took.
	answers int
	first   time.Duration
	// fastest is how long the fastest call has taken.
	fastest time.Duration
}

// begin notes that points of a full bucket are taken.
func (a *arrivals) begin(now time.Time) {
	a.began, a.answers = now, 0
}

// note notes an answer to a call that was sent at a time.
func (a *arrivals) note(sent, now time.Time) {
	took := now.Sub(sent)
	if a.fastest == 0 || took < a.fastest {
		a.fastest = took
	}
	if a.answers == 0 {
		a.first = now.Sub(a.began)
	}
	a.answers++
}

// spare gives the share of a second's points that is to be left: no more than most.
func (a *arrivals) spare(most float64) float64 {
	if a.answers < told {
		return most
	}
	return min(most, (a.first-a.fastest).Seconds()+jitter)
}
