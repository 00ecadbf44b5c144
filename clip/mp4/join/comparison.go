package join

import (
	"math"
	"slices"
	"time"

	"clipfs/clip/mp4"
)

const (
	// listedTo is how exact times are that are compared: those of a listing and those of a payload are whole milliseconds.
	listedTo = 2 * time.Millisecond
	// soundGrain is how much the time between a fragment's first sound and its first picture varies.
	soundGrain = 25 * time.Millisecond
	// leastFragment is how much longer than listed a payload is at least that has a fragment more, where no key frame
	// tells: it can be a picture longer where fragments touch.
	leastFragment = 500 * time.Millisecond
)

// comparison compares the frames of a payload with the fragments that were listed.
type comparison struct {
	fragments []Fragment
	// next is when what follows the part begins, from the first fragment on, and nextEnds when its first fragment ends; 0
	// where it is not known.
	next, nextEnds time.Duration
	// before are the sizes of the last pictures of the part before, the last at the end; 0 where they are not known.
	before [maxTwice]uint32
	// earlier is by how much earlier than the part the fragments begin that lie before a gap; nil where none does.
	earlier      []time.Duration
	video, sound *mp4.Track
	shown        [2]trackClock
	// zero is when the first frame is shown by the payload's clock, last when the last picture and the last sound are.
	zero time.Duration
	last [2]time.Duration
	// times are when all samples are shown.
	times [2][]time.Duration
	// skip and drop are how many samples of each track are left out at its beginning and at its end.
	skip, drop [2]uint32
}

// trackClock turns ticks from the first sample's time on into times of the payload.
type trackClock struct {
	first     time.Duration
	timescale uint64
}

// clockOf gives the clock of a track whose first sample is shown at first.
func clockOf(t *mp4.Track, first time.Duration) trackClock {
	return trackClock{first, uint64(t.Timescale)}
}

// time gives a time of the payload.
func (c trackClock) time(ticks int64) time.Duration {
	ns, _ := convert(ticks, c.timescale, uint64(time.Second)) // tables are within maxTime
	return c.first + time.Duration(ns)
}

// length is from the first fragment's first frame to the last one's last.
func (c *comparison) length() time.Duration {
	last := c.fragments[len(c.fragments)-1]
	return last.Start + last.Length
}

// samples is how many samples the payload has.
func (c *comparison) samples() uint64 {
	n := uint64(c.video.Sizes.Len())
	if c.sound != nil {
		n += uint64(c.sound.Sizes.Len())
	}
	return n
}

// usual reports whether a payload has no picture behind the last frame that was listed, and none twice at its beginning.
// It looks at no sample but the last ones as long as that is so.
func (c *comparison) usual() bool {
	for k, t := range []*mp4.Track{c.video, c.sound} {
		if t == nil {
			c.last[k] = c.zero
			continue
		}
		c.last[k] = c.shown[k].time(t.Shown().Latest)
	}
	return c.last[0]-c.zero <= c.length()+listedTo && !c.firstTwice()
}

// firstTwice reports whether the first picture stands there twice: two samples of one size at which decoding can begin,
// and none behind them.
func (c *comparison) firstTwice() bool {
	v := c.video
	const least = 64 // bytes; what is less can be alike
	return v.Sizes.Len() > 2 && !v.Syncs.All() && v.Syncs.Len() >= 2 && v.Syncs.Number(0) == 1 && v.Syncs.Number(1) == 2 &&
		(v.Syncs.Len() == 2 || v.Syncs.Number(2) > 3) && v.Sizes.At(0) == v.Sizes.At(1) && v.Sizes.At(0) >= least
}

// expand finds out when all samples are shown.
func (c *comparison) expand() {
	for k, t := range []*mp4.Track{c.video, c.sound} {
		if t == nil {
			continue
		}
		c.times[k] = make([]time.Duration, 0, t.Sizes.Len())
		first := int64(t.Offsets.First())
		for s, err := range t.Samples() {
			if err != nil {
				break // it has none: the track was checked
			}
			c.times[k] = append(c.times[k], c.shown[k].time(s.PTS()-first))
		}
	}
}

// compare finds what is to be left out; early says that the first frame of sound is.
func (c *comparison) compare(early bool) {
	if early {
		c.begin(0, c.times[1][1])
	}
	if c.firstTwice() {
		c.begin(1, c.zero) // sound that leads stays
	}
	if c.last[0]-c.zero <= c.length()+listedTo {
		return
	}
	front, back := c.front(), c.back()
	switch {
	case front > 0 && (back == 0 || c.follows(front, back)):
		c.begin(front, c.soundFrom(front))
	case back > 0:
		c.end(back)
	}
}

// follows reports whether the fragments begin with the picture front, and not with the first one, up to back: whether the
// pictures before have the sizes of the last ones of the part before; where that is not known, whether the fragments have
// more likely the sizes that were listed. Behind a gap times may tell: what is before it is as much earlier as fragments
// are, and what follows ends when the next one does.
func (c *comparison) follows(front, back uint32) bool {
	by := c.times[0][front] - c.times[0][0]
	if slices.ContainsFunc(c.earlier, func(d time.Duration) bool { return (d - by).Abs() <= c.grain()+listedTo }) {
		return true
	}
	if off := max(c.last[0], c.last[1]) - c.zero - c.nextEnds; c.earlier != nil && off.Abs() <= c.grain() {
		return false
	}
	if n := min(front, maxTwice); c.before[maxTwice-n] > 0 {
		for i := range n {
			if c.video.Sizes.At(front-n+i) != c.before[maxTwice-n+i] {
				return false
			}
		}
		return true
	}
	return c.unlike(stretch{front, uint32(len(c.times[0])), c.soundFrom(front), math.MaxInt64}) <
		c.unlike(stretch{c.skip[0], back, c.zero, c.soundTo(back)})
}

// ahead is how much later than the first frame the first picture is.
func (c *comparison) ahead() time.Duration { return c.times[0][c.skip[0]] - c.zero }

// begin leaves out the pictures before one, and the sound before a time.
func (c *comparison) begin(picture uint32, from time.Duration) {
	c.skip[0] = picture
	zero := c.times[0][picture]
	for i, at := range c.times[1] {
		if at >= from-listedTo*3/4 {
			c.skip[1], zero = uint32(i), min(zero, at)
			break
		}
	}
	c.zero = zero
}

// end leaves out a picture and all behind it, and the sound that goes with them.
func (c *comparison) end(picture uint32) {
	c.drop[0] = uint32(len(c.times[0])) - picture
	from := c.soundTo(picture)
	for i := len(c.times[1]); i > int(c.skip[1]) && c.times[1][i-1] >= from-listedTo; i-- {
		c.drop[1]++
	}
}

// soundTo gives when the sound begins that goes with a picture behind the fragments.
func (c *comparison) soundTo(picture uint32) time.Duration {
	if c.next > 0 {
		return min(c.times[0][picture], c.zero+c.next)
	}
	return c.times[0][picture] - c.ahead()
}

// sparse reports whether no more pictures are listed at which decoding can begin than there are fragments, each of which
// begins with one: then that with which a fragment more begins may be any.
func (c *comparison) sparse() bool {
	return !c.video.Syncs.All() && c.video.Syncs.Len() <= len(c.fragments)
}

// front gives the picture with which the fragments begin if all that is too much stands before them; 0 if there is none.
func (c *comparison) front() uint32 {
	if c.sparse() {
		return c.likelyFront()
	}
	for n := range c.video.Syncs.Numbers() {
		i := n - 1
		if i <= c.skip[0] || int(i) >= len(c.times[0]) {
			continue
		}
		if _, ok := c.fits(i); ok {
			return i
		}
	}
	return 0
}

// likelyFront is front where the table does not tell: the picture that fits best.
func (c *comparison) likelyFront() (picture uint32) {
	if !c.longer() {
		return 0
	}
	least := time.Duration(math.MaxInt64)
	for i := c.skip[0] + 1; int(i) < len(c.times[0]); i++ {
		if off, ok := c.fits(i); ok && off < least {
			least, picture = off, i
		}
	}
	return picture
}

// longer reports whether the pictures go on for so long behind what was listed that a fragment more can be there.
func (c *comparison) longer() bool { return c.last[0]-c.zero-c.length() >= leastFragment }

// fits reports whether what is behind a picture, with the sound that leads it, is as long as what was listed, and by how
// much it is not.
func (c *comparison) fits(picture uint32) (off time.Duration, ok bool) {
	begin := c.times[0][picture] - c.ahead()
	off = min((c.last[0] - begin - c.length()).Abs(), (max(c.last[0], c.last[1]) - begin - c.length()).Abs())
	return off, off <= c.grain()
}

// grain is how far the time from one fragment's first picture to another's may be from that between the fragments.
func (c *comparison) grain() time.Duration {
	if c.sound != nil {
		return soundGrain
	}
	return listedTo
}

// soundFrom gives when the sound begins that goes with a first picture: at the first frame, as the listing has it.
func (c *comparison) soundFrom(picture uint32) time.Duration {
	likely := c.times[0][picture] - c.ahead()
	best, off := likely, soundGrain
	for _, last := range []time.Duration{c.last[0], max(c.last[0], c.last[1])} {
		if at := last - c.length(); (at - likely).Abs() < off {
			best, off = at, (at - likely).Abs()
		}
	}
	return best
}

// soon reports whether what follows the part begins no earlier than the part ends, with sound that leads as in the part,
// and the payload is long enough to have some of it.
func (c *comparison) soon() bool {
	return c.next > 0 && c.next+c.ahead() >= c.length()-listedTo && c.longer()
}

// back gives the picture behind the fragments, with which another begins, if all that is too much stands there: it is one
// at which decoding can begin, or what follows the part is known to begin by then, or nothing tells. 0 if there is none.
func (c *comparison) back() uint32 {
	blind := c.next == 0 && c.sparse() && c.longer()
	sync := 0
	for i := range c.times[0] {
		for sync < c.video.Syncs.Len() && c.video.Syncs.Number(sync) < uint32(i)+1 {
			sync++
		}
		isSync := c.video.Syncs.All() || sync < c.video.Syncs.Len() && c.video.Syncs.Number(sync) == uint32(i)+1
		at := c.times[0][i] - c.zero
		if at > c.length()+listedTo && (isSync || blind || c.soon() && at >= c.next+c.ahead()-c.grain()) {
			return uint32(i)
		}
	}
	return 0
}

// stretch is a stretch of a payload: the pictures from the first up to the last, and sound from a time up to another.
type stretch struct {
	first, last uint32
	from, to    time.Duration
}

// unlike tells by how much the sizes of fragments in a stretch differ from those listed: how much what is left of each
// varies. Pictures go by the first of them, whatever leads it.
func (c *comparison) unlike(s stretch) float64 {
	left := make([]float64, len(c.fragments))
	for i, f := range c.fragments {
		left[i] = float64(f.Size)
	}
	k := 0
	for i := s.first; i < s.last; i++ {
		for k+1 < len(left) && c.times[0][i]-c.times[0][s.first] >= c.fragments[k+1].Start-soundGrain {
			k++
		}
		left[k] -= float64(c.video.Sizes.At(i))
	}
	k = 0
	for i, at := range c.times[1] {
		if at < s.from-listedTo || at >= s.to-listedTo {
			continue
		}
		for k+1 < len(left) && at-s.from >= c.fragments[k+1].Start-listedTo {
			k++
		}
		left[k] -= float64(c.sound.Sizes.At(uint32(i)))
	}
	if len(left) == 1 {
		if left[0] < 0 { // more than was stored
			return math.Inf(1)
		}
		return left[0]
	}
	var sum, squares float64
	for _, v := range left {
		sum += v
		squares += v * v
	}
	n := float64(len(left))
	return squares/n - sum/n*sum/n
}
