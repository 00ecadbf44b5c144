package archive

import (
	"slices"
	"time"
)

// DefaultGap is how far apart two fragments have to be for a gap to lie between them.
const DefaultGap = time.Second

// LearnFrom is from how much footage the frame that lengths leave out is learned, on a grid of absolute time.
const LearnFrom = 5 * time.Minute

// LearnSpan is what has to be listed of a span to learn from: what it touches of that grid.
func LearnSpan(s Span) Span {
	return Span{Start: s.Start.Truncate(LearnFrom), End: s.End.Add(LearnFrom - Grain).Truncate(LearnFrom)}
}

// MaxFragmentLength is the longest a fragment can be (quotas page, PutMedia: 1 to 20 s).
const MaxFragmentLength = 20 * time.Second

// GapRule tells gaps from the frame that lengths leave out.
//
// The archive's length of a fragment runs from its first frame to its last, so a fragment ends one frame later than
// it says, and one of a single frame has length 0. How long that frame is the archive does not tell; the fragments
// around it do: leftOut is the median of (next start − start − length) over five minutes. It is believed for one
// fragment only as far as it can be true: a fragment that has a length has at least two frames, so its last is taken
// to be no longer than that length; one without is at most as long as a fragment may be.
//
// A gap is where the next fragment starts more than min after the end so computed. Fragments that overlap, repeat a
// time or step backwards have no gap between them.
type GapRule struct {
	Min     time.Duration
	By      Selector
	LeftOut time.Duration
}

// sample gives how long the last frame of the fragment before fragment i may be, if fragment i tells.
func sample(fragments []Fragment, i int, by Selector) (time.Duration, bool) {
	f, next := &fragments[i-1], &fragments[i]
	d := next.start(by).Sub(*f.start(by)) - f.Length
	return d, d >= 0 && d <= MaxFragmentLength
}

// LearnLeftOut learns from fragments, in the order of their times: from those that start within one learnFrom of the grid
// of absolute time, the first in which most can be learned. So what is learned of some footage does not depend on how much
// else is known.
func LearnLeftOut(fragments []Fragment, by Selector) time.Duration {
	var best []Fragment
	most, samples, begin := 0, 0, 0
	var border time.Time
	for i := range fragments {
		if at := fragments[i].start(by); i == 0 || !at.Before(border) {
			begin, samples = i, 0
			border = at.Truncate(LearnFrom).Add(LearnFrom)
			continue
		}
		if _, ok := sample(fragments, i, by); !ok {
			continue
		}
		if samples++; samples > most {
			most, best = samples, fragments[begin:i+1]
		}
	}
	return leftOut(best, by)
}

// leftOut gives the median of the frames that lengths leave out of some fragments, in the order of their times.
func leftOut(fragments []Fragment, by Selector) time.Duration {
	left := make([]time.Duration, 0, len(fragments))
	for i := 1; i < len(fragments); i++ {
		if d, ok := sample(fragments, i, by); ok {
			left = append(left, d)
		}
	}
	if len(left) == 0 {
		return 0
	}
	slices.Sort(left)
	return left[(len(left)-1)/2]
}

// Lasts tells how long a fragment is: its length and the frame that the length leaves out.
func (r GapRule) Lasts(f Fragment) time.Duration { return r.lasts(f.Length) }

func (r *GapRule) lasts(length time.Duration) time.Duration {
	if length == 0 {
		return r.LeftOut
	}
	return length + min(r.LeftOut, length)
}

// End tells when a fragment ends.
func (r GapRule) End(f Fragment) time.Time { return f.Time(r.By).Add(r.Lasts(f)) }

// Between reports whether a gap lies between a fragment and the one that follows it.
func (r GapRule) Between(f, next Fragment) bool {
	return r.between(&f, &next)
}

// GapBefore reports whether a gap lies between fragment i of some, in the order of their times, and the one before it. It copies none.
func (r GapRule) GapBefore(fragments []Fragment, i int) bool {
	return r.between(&fragments[i-1], &fragments[i])
}

// Continues reports whether a fragment begins where the one before it ends, or so shortly after it that no gap lies between them,
// whatever frame lengths leave out. Then they do not overlap either.
func (r GapRule) Continues(f, next *Fragment) bool {
	pause := next.start(r.By).Sub(*f.start(r.By)) - f.Length
	return pause >= 0 && pause <= r.Min && pause+f.Length > 0
}

func (r *GapRule) between(f, next *Fragment) bool {
	return next.start(r.By).Sub(*f.start(r.By)) > r.lasts(f.Length)+r.Min
}

// maxSoundLead is by how much sound may lead the pictures that it is stored with. Where it leads by more each time, the
// share of overlaps tells (mostOverlaps); a longer one that stands alone is footage that was ingested twice.
const maxSoundLead = time.Second / 4

// overlap tells by how much a fragment begins before the last frame of the one before it does.
func (r *GapRule) overlap(f, next *Fragment) time.Duration {
	return f.Length - next.start(r.By).Sub(*f.start(r.By))
}

// leads reports whether an overlap can be that of sound which leads: the time of a fragment is that of its first frame,
// which can be sound that is heard before the last picture of the fragment before is shown. That is less than maxSoundLead,
// and less than either fragment lasts.
func leads(overlap time.Duration, f, next *Fragment) bool {
	return overlap > 0 && overlap < min(maxSoundLead, f.Length, next.Length)
}

// Overlaps reports whether fragment i of some, in the order of their times, overlaps the one before it. What the service
// makes of overlaps within a payload is not known, as with gaps. Sound that leads is no overlap, but where fragments that
// were ingested twice take turns, a short overlap can stand beside long ones: then it is one as well.
func (r GapRule) Overlaps(fragments []Fragment, i int) bool {
	own := r.overlap(&fragments[i-1], &fragments[i])
	if own <= 0 || !leads(own, &fragments[i-1], &fragments[i]) {
		return own > 0
	}
	for _, k := range [...]int{i - 1, i + 1} {
		if k < 1 || k >= len(fragments) {
			continue
		}
		if d := r.overlap(&fragments[k-1], &fragments[k]); d > 0 && !leads(d, &fragments[k-1], &fragments[k]) {
			return true
		}
	}
	return false
}

// Recorded adds up what fragments, in the order of their times, cover: up to the next one's start where there is no
// gap before it, and nothing twice.
func (r GapRule) Recorded(fragments []Fragment) time.Duration {
	var total time.Duration
	for i, f := range fragments {
		end := r.End(f)
		if i+1 < len(fragments) && !r.Between(f, fragments[i+1]) {
			end = fragments[i+1].Time(r.By)
		}
		total += end.Sub(f.Time(r.By))
	}
	return total
}
