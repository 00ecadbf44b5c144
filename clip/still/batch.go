package still

import (
	"time"

	"clipfs/clip/archive"
)

// wideWidth is from which width on images are large, and wideCount how many of them one call asks for: so that an answer is not
// too long.
const (
	wideWidth = 1280
	wideCount = 8
)

// most is how many images of a width one call asks for.
func most(width int) int {
	if width == 0 || width > wideWidth {
		return wideCount
	}
	return archive.MaxImages
}

// batch is one GetImages call, and what is wanted of it.
type batch struct {
	start    time.Time
	interval time.Duration
	count    int
	wants    []*want
}

// batches gives calls of at most so many images that bring all wants, which are in the order of their times. Each takes as many of
// those that are left as it can. A call with a lead has an instant before the first that is wanted.
func batches(wants []*want, most int, lead bool) []batch {
	if lead {
		most--
	}
	var all []batch
	for len(wants) > 0 {
		b := first(wants, most)
		wants = wants[len(b.wants):]
		if lead {
			b.start = b.start.Add(-b.interval)
			b.count++
		}
		all = append(all, b)
	}
	return all
}

// first gives the call that brings as many of the first wants as it can. It begins at the first of them, so that one alone has the
// image of its own instant.
func first(wants []*want, most int) batch {
	start := wants[0].at
	best := batch{start: start, interval: archive.MinImageInterval, count: 1, wants: wants[:1]}
	var divisor, least time.Duration
	for i, w := range wants[1:] {
		offset, gap := w.at.Sub(start), w.at.Sub(wants[i].at)
		if offset+archive.MaxImageInterval >= archive.MaxImageSpan {
			break // with the lead, which is an interval long
		}
		divisor = gcd(divisor, offset)
		if gap > 0 && (least == 0 || gap < least) {
			least = gap
		}
		for _, interval := range []time.Duration{divisor, least, archive.MinImageInterval} {
			if b, ok := evenly(start, interval, wants[:i+2], most); ok {
				best = b
				break
			}
		}
	}
	return best
}

// evenly gives the call whose instants lie an interval apart, if they come close enough to all wants.
func evenly(start time.Time, interval time.Duration, wants []*want, most int) (batch, bool) {
	interval = max(interval.Truncate(archive.Grain), archive.MinImageInterval)
	last := wants[len(wants)-1].at.Sub(start)
	for interval > archive.MaxImageInterval { // half of an even interval is one too
		if interval%(2*archive.Grain) != 0 {
			return batch{}, false
		}
		interval /= 2
	}
	count := int(last/interval) + 1
	if count > most {
		return batch{}, false
	}
	for _, w := range wants {
		offset := w.at.Sub(start)
		if start.Add(offset - offset%interval).Before(w.earliest) {
			return batch{}, false
		}
	}
	return batch{start: start, interval: interval, count: count, wants: wants}, true
}

// gcd is the greatest common divisor of two lengths; that of 0 and another is the other.
func gcd(a, b time.Duration) time.Duration {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
