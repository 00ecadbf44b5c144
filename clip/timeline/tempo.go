package timeline

import (
	"math"
	"time"

	"clipfs/clip/archive"
)

const (
	// pageFragments is how many fragments a page has at most (API reference, ListFragments, MaxResults).
	pageFragments = 1000
	// asksAtOnce bounds the listings of one span that run at the same time: the service allows ten pages a second.
	asksAtOnce = 8
	// longestAsk is the longest span that is asked for at once, and tempoReach how many times longer it may be than any
	// whose density is known: what was recorded there may be denser, and is then a listing of many pages.
	longestAsk = 6 * time.Hour
	tempoReach = 4
)

// tempo is how densely a stream was recorded.
type tempo struct {
	// perMinute is how many fragments a minute had, 0 while that is not known, and seen the longest span that told.
	perMinute float64
	seen      time.Duration
}

// after gives the tempo once a span was listed. Where there was less than half as much as before, that may be a gap.
func (p tempo) after(span archive.Span, fragments int) tempo {
	if fragments == 0 || span.Empty() {
		return p
	}
	p.perMinute = max(float64(fragments)/span.Length().Minutes(), p.perMinute/2)
	p.seen = max(p.seen, span.Length())
	return p
}

// page gives how much time one call is to ask for of what is missing, in whole minutes. Without a tempo that is an hour, or
// so much that all calls can go at once.
func (p tempo) page(missing time.Duration) time.Duration {
	if p.perMinute == 0 {
		share := (missing/asksAtOnce + time.Minute - archive.Grain).Truncate(time.Minute)
		return min(max(share, bucketLength), longestAsk)
	}
	page := time.Duration(min(math.Floor(pageFragments/p.perMinute), longestAsk.Minutes())) * time.Minute
	return max(min(page, (tempoReach*p.seen).Truncate(time.Minute)), time.Minute)
}
