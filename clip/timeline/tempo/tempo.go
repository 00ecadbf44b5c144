// Package tempo tells how much time each page of a long listing is to ask for: as much as it has fragments, by how densely the stream was
// recorded where it was last listed. Tempo is a value; the package has no locks.
package tempo

import (
	"math"
	"time"

	"clipfs/clip/archive"
)

const (
	// MaxPage is how many fragments a page has at most (API reference, ListFragments, MaxResults).
	MaxPage = 1000
	// AtOnce bounds the listings of one span that run at the same time: the service allows ten pages a second.
	AtOnce = 8
	// longestAsk is the longest span that is asked for at once, and tempoReach how many times longer it may be than any
	// whose density is known: what was recorded there may be denser, and is then a listing of many pages.
	longestAsk = 6 * time.Hour
	tempoReach = 4
	// firstAsk is the length of the first of many calls where nothing tells how densely a stream was recorded: it is soon answered, and tells the
	// others how much they are to ask for.
	firstAsk = 30 * time.Minute
	// pageSlack is which share of the fragments that are expected, and pageMore how many more than that, a call asks for beside them.
	pageSlack = 20
	pageMore  = 20
)

// Tempo is how densely a stream was recorded. Its zero value is that of a stream of which nothing is known.
type Tempo struct {
	// PerMinute is how many fragments a minute had, 0 while that is not known, and seen the longest span that told.
	PerMinute float64
	seen      time.Duration
}

// After gives the tempo once a span was listed. Where there was less than half as much as before, that may be a gap.
func (p Tempo) After(span archive.Span, fragments int) Tempo {
	if fragments == 0 || span.Empty() {
		return p
	}
	p.PerMinute = max(float64(fragments)/span.Length().Minutes(), p.PerMinute/2)
	p.seen = max(p.seen, span.Length())
	return p
}

// Page gives how much time one call is to ask for of what is missing, in whole minutes, and how much the first one is. Without a tempo that is an hour, or
// so much that all calls can go at once; the first is short then.
func (p Tempo) Page(missing time.Duration) (first, page time.Duration) {
	if p.PerMinute == 0 {
		share := func(length time.Duration, calls time.Duration) time.Duration {
			return min(max((length/calls+time.Minute-archive.Grain).Truncate(time.Minute), time.Hour), longestAsk)
		}
		if missing <= AtOnce*time.Hour {
			page = share(missing, AtOnce)
			return page, page
		}
		return firstAsk, share(missing-firstAsk, AtOnce-1)
	}
	page = time.Duration(min(math.Floor(MaxPage/p.PerMinute), longestAsk.Minutes())) * time.Minute
	page = max(min(page, (tempoReach*p.seen).Truncate(time.Minute)), time.Minute)
	return page, page
}

// Left gives how many fragments the next call asks for, where so many of a span were given: an even share of those still expected, and a few more, so that the
// listing does not end with a small page. It is a full page where nothing tells how many to expect, or where more were given than expected.
func (p Tempo) Left(span archive.Span, given int) int {
	left := int(p.PerMinute*span.Length().Minutes()) - given
	if given == 0 || left <= 0 {
		return MaxPage
	}
	left += left/pageSlack + pageMore
	pages := (left + MaxPage - 1) / MaxPage
	return (left + pages - 1) / pages
}
