package quota

import (
	"math"
	"time"
)

const (
	// comeback is the part of the rate before a refusal to which it comes back at quickRecovery. The less it is, the
	// longer does one mount have more than another; the more it is, the more calls are refused.
	comeback = 0.9
	// quickRecovery and slowRecovery are how long the rate would take from nothing to the quota, before and after that.
	quickRecovery = 10 * time.Second
	slowRecovery  = time.Minute
)

// recovery is the share of a quota at which a bucket fills, from a refusal on. It comes back in two legs: soon to a
// little less than it was, so that the one of two mounts that happens to be refused does not lose its half to the other
// for long, and from there slowly.
type recovery struct {
	// share at the time since. It grows to back at one speed and to 1 at another.
	share, back float64
	since       time.Time
}

// leg is a time in which a share grows steadily.
type leg struct{ to, perSecond float64 }

// legs has the times in which the share grows, where no more than most of it counts.
func (r recovery) legs(most float64) [2]leg {
	return [...]leg{{min(r.back, most), 1 / quickRecovery.Seconds()}, {most, 1 / slowRecovery.Seconds()}}
}

// slower is the recovery after a refusal. However many come, each slowGrace later than the one before, about a fortieth of
// the quota is left. Old accounts are limited by calls, a few a second, and retries do the rest.
func (r recovery) slower(now time.Time) recovery {
	share, _ := r.at(now, 1)
	return recovery{share: share / 2, back: share * comeback, since: now}
}

// at gives the share, no more than most, at a time after since, and how many seconds of the whole quota have come until
// then.
func (r recovery) at(t time.Time, most float64) (share, whole float64) {
	share = min(r.share, most)
	left := t.Sub(r.since).Seconds()
	for _, leg := range r.legs(most) {
		if share >= leg.to {
			continue
		}
		end, seconds := leg.to, (leg.to-share)/leg.perSecond
		if left < seconds {
			end, seconds = share+left*leg.perSecond, left
		}
		whole += (share + end) / 2 * seconds
		share, left = end, left-seconds
	}
	return share, whole + share*left
}

// when is the inverse of at: the time by which so many seconds of the whole quota have come.
func (r recovery) when(whole, most float64) time.Time {
	share, seconds := min(r.share, most), 0.0
	for _, leg := range r.legs(most) {
		if share >= leg.to {
			continue
		}
		took := (leg.to - share) / leg.perSecond
		come := (share + leg.to) / 2 * took
		if come > whole { // whole = share t + perSecond t²/2
			took = (math.Sqrt(share*share+2*leg.perSecond*whole) - share) / leg.perSecond
			return r.since.Add(upTo(seconds + took))
		}
		whole, seconds, share = whole-come, seconds+took, leg.to
	}
	return r.since.Add(upTo(seconds + whole/share))
}

// upTo gives a number of seconds as a duration, rounded up.
func upTo(s float64) time.Duration { return time.Duration(math.Ceil(s * float64(time.Second))) }
