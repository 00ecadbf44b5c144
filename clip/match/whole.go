package match

import (
	"fmt"
	"math"
	"slices"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/mp4"
)

// Whether a payload has all the fragments that were listed is told by when its pictures are shown, against when the listing
// says that fragments begin and how long they last. Sync samples are a hint where times leave it open, and no more: an open
// group of pictures may begin with none (kvs.md), and a fragment may hold more than one.
//
// A payload has no time of day. Its first picture is taken for that of the first fragment; where the first fragment is what is
// missing, the last one seems to be.

const (
	// mostLead is how far the times of pictures may be off without anything missing, as sound that begins a fragment is: no more
	// than half of the shortest fragment.
	mostLead = 300 * time.Millisecond
	// shortBy is how much shorter a payload may be than its fragments before its times alone say that it is cut: where the service
	// closes what the timeline does not count as gaps, and a fiftieth of it.
	shortBy, shortShare = time.Second, 50
	// maxPictures is how many pictures a payload is believed to have: 200 fragments of 20 s have 480,000 at 120 a second.
	maxPictures = 1 << 20
)

// Moment is when a fragment begins, from the first one's time on, and how long it lasts by the listing, which leaves out its
// last frame. In milliseconds, so that an open clip of a day holds little.
type Moment struct{ at, lasts int32 }

// begins gives when the fragment begins.
func (m Moment) begins() time.Duration { return time.Duration(m.at) * time.Millisecond }

// ends gives when its last frame begins.
func (m Moment) ends() time.Duration { return time.Duration(m.at+m.lasts) * time.Millisecond }

// MomentsOf gives what is expected of a payload of fragments. Where they are in the order of their producer times those count:
// what arrives is not spaced as what was recorded.
func MomentsOf(fragments []archive.Fragment, by archive.Selector) []Moment {
	if slices.IsSortedFunc(fragments, func(a, b archive.Fragment) int { return a.Producer.Compare(b.Producer) }) {
		by = archive.ByProducer
	}
	all := make([]Moment, len(fragments))
	for i, f := range fragments {
		all[i] = Moment{milliseconds(f.Time(by).Sub(fragments[0].Time(by))), milliseconds(f.Length)}
	}
	return all
}

// milliseconds gives a length in milliseconds, as near as it can be had.
func milliseconds(d time.Duration) int32 {
	return int32(min(max(d.Milliseconds(), math.MinInt32), math.MaxInt32))
}

// Shown is when the pictures of a payload are shown.
type Shown struct {
	// at is from the first one on, rising.
	at []time.Duration
	// usual is how far apart they are as a rule.
	usual time.Duration
	// syncs is how many are sync samples.
	syncs int
	// first and last are the sizes of the first and of the last pictures in the order of decoding, which tell one payload's from
	// another's.
	first, last []uint32
}

// maxSizes is how many sizes of pictures are kept at each end of a payload.
const maxSizes = 64

// ShownOf reads the tables of a video track, which were checked. It gives an error where they say what cannot be.
func ShownOf(t *mp4.Track) (Shown, error) {
	n := int(t.Sizes.Len())
	if n > maxPictures {
		return Shown{}, fmt.Errorf("more than %d pictures", maxPictures)
	}
	s := Shown{at: make([]time.Duration, 0, n), syncs: t.Syncs.Len()}
	if t.Syncs.All() {
		s.syncs = n
	}
	ticks := make([]int64, 0, n)
	for sample, err := range t.Samples() {
		if err != nil {
			return Shown{}, fmt.Errorf("video: %w", err)
		}
		ticks = append(ticks, sample.PTS())
	}
	slices.Sort(ticks)
	for _, at := range ticks {
		s.at = append(s.at, inTime(at-ticks[0], t.Timescale))
	}
	if n > 1 {
		apart := make([]time.Duration, n-1)
		for i := range apart {
			apart[i] = s.at[i+1] - s.at[i]
		}
		slices.Sort(apart)
		s.usual = apart[len(apart)/2]
	}
	for i := range min(n, maxSizes) {
		s.first = append(s.first, t.Sizes.At(uint32(i)))
		s.last = append(s.last, t.Sizes.At(uint32(n-min(n, maxSizes)+i)))
	}
	return s, nil
}

// inTime gives ticks as a time, to the microsecond for as long as a clip can be.
func inTime(ticks int64, timescale uint32) time.Duration {
	return time.Duration(float64(ticks) / float64(max(timescale, 1)) * float64(time.Second)).Round(time.Microsecond)
}

// Counts gives how many pictures a payload has, how many of them are sync samples, and how far apart they are as a rule.
func (s *Shown) Counts() (pictures, syncs int, usual time.Duration) {
	return len(s.at), s.syncs, s.usual
}

// Begins reports whether the pictures of another payload can be the first of this one.
func (s *Shown) Begins(with *Shown) bool {
	n := min(len(s.first), len(with.first))
	return slices.Equal(s.first[:n], with.first[:n])
}

// Ends reports whether the pictures of another payload can be the last of this one.
func (s *Shown) Ends(with *Shown) bool {
	n := min(len(s.last), len(with.last))
	return slices.Equal(s.last[len(s.last)-n:], with.last[len(with.last)-n:])
}

// Lacks tells in words what a payload lacks of the fragments that are expected; "" if it lacks none. hole is the run of
// fragments that has no picture, [from, to), where that is certain.
func (s *Shown) Lacks(expected []Moment) (what string, hole [2]int) {
	n := len(expected)
	if n < 2 && len(s.at) > 0 {
		return "", hole // there is no less than one fragment
	}
	if len(s.at) < n {
		return fmt.Sprintf("%d pictures of %d fragments", len(s.at), n), hole
	}
	end := time.Duration(0)
	for _, m := range expected {
		end = max(end, m.ends())
	}
	leftOut, closed, lead := s.slack(expected)
	late := end + leftOut - s.at[len(s.at)-1] - s.usual
	if late <= closed+lead {
		if hole = s.hole(expected, closed); hole[1] > 0 {
			return fmt.Sprintf("no picture of fragments %d to %d of %d", hole[0]+1, hole[1], n), hole
		}
		return "", hole
	}
	if least := leastOf(expected); s.syncs == n && s.at[len(s.at)-1]+s.usual >= least-shortBy-least/shortShare {
		return "", hole // a key frame of each fragment: the service closes more than the timeline counts as gaps
	}
	return fmt.Sprintf("%v and %d key frames of %d fragments in %v", s.at[len(s.at)-1], s.syncs, n, end), hole
}

// slack gives how long the last frame of a fragment lasts as a rule, and how much earlier than listed a payload may end: what
// small gaps, which the service may close, add up to, and how far times can be off.
func (s *Shown) slack(expected []Moment) (leftOut, closed, lead time.Duration) {
	shortest := time.Duration(math.MaxInt64)
	apart := make([]time.Duration, 0, len(expected))
	for i := 1; i < len(expected); i++ {
		if d := expected[i].begins() - expected[i-1].begins(); d > 0 {
			shortest = min(shortest, d)
			apart = append(apart, max(0, expected[i].begins()-expected[i-1].ends()))
		}
	}
	if len(apart) == 0 {
		return 0, 0, mostLead
	}
	slices.Sort(apart)
	leftOut = apart[(len(apart)-1)/2]
	usual := max(s.usual, leftOut)
	for _, d := range apart {
		closed += max(0, d-usual)
	}
	return leftOut, closed, min(mostLead, shortest/2)
}

// hole gives the run of fragments in whose time no picture is shown, from the first such fragment to the last. closed is how
// much earlier than listed the last one may begin.
func (s *Shown) hole(expected []Moment, closed time.Duration) (hole [2]int) {
	before := s.usual / 2
	next := 0
	for i, m := range expected {
		from := m.begins() - before
		to := max(m.begins()+s.usual, m.ends()) - before
		if i+1 < len(expected) {
			to = max(to, expected[i+1].begins()-before)
		} else {
			from, to = from-closed, math.MaxInt64
		}
		for next < len(s.at) && s.at[next] < from {
			next++
		}
		if next < len(s.at) && s.at[next] < to || i == len(expected)-1 && s.at[len(s.at)-1] >= from {
			continue
		}
		if hole[1] == 0 {
			hole[0] = i
		}
		hole[1] = i + 1
	}
	return hole
}

// leastOf is how long fragments last at least: what those before the last one cover, counting neither the frames that lengths
// leave out nor anything twice.
func leastOf(expected []Moment) time.Duration {
	var total time.Duration
	for i, m := range expected[:len(expected)-1] {
		total += max(0, min(m.ends(), expected[i+1].begins())-m.begins())
	}
	return total
}
