package match

import (
	"iter"
	"math"
	"slices"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
)

// How the tables of a file are compared with the listing: each fragment's first picture is looked for where the fragment's
// time says that it is. Where the listing has a hole, the service may have closed it in a payload: the picture is then the
// first one behind the last that the fragment before has, and from there on another time counts. Whatever does not fit is
// not called exact.

const (
	// nearby is how far a position may be from its time.
	nearby = time.Millisecond
	// maxLead is how long sound may come before a part's first picture.
	maxLead = time.Second
)

// Picture is when a picture is shown, in nanoseconds, doubled; odd where decoding can begin at it.
type Picture int64

// Position is where in the file it is shown.
func (p Picture) Position() time.Duration { return time.Duration(p >> 1) }
func (p Picture) sync() bool              { return p&1 != 0 }

// Pictures is what a file shows.
type Pictures struct {
	All []Picture // by position
	// Begin is the position of the first frame, be it sound or a picture.
	Begin time.Duration
}

// PicturesOf reads when the pictures of a file are shown.
func PicturesOf(m *mp4.Movie) (Pictures, error) {
	video := m.Video()
	if video == nil {
		return Pictures{}, join.ErrIncompatible
	}
	var p Pictures
	clock := clockOf(video, m.Timescale)
	for s, err := range video.Samples() {
		if err != nil {
			return Pictures{}, err
		}
		at, shown := clock.position(s.PTS())
		if !shown {
			continue
		}
		one := Picture(at) << 1
		if s.Sync {
			one |= 1
		}
		p.All = append(p.All, one)
	}
	if len(p.All) == 0 {
		return Pictures{}, join.ErrIncompatible
	}
	slices.Sort(p.All)
	p.Begin = p.All[0].Position()
	sound := m.Sound()
	if sound == nil {
		return p, nil
	}
	first := int64(0)
	for run := range sound.Offsets.Runs() {
		first = int64(run.Offset)
		break
	}
	edit := clockOf(sound, m.Timescale).edits[0]
	p.Begin = min(p.Begin, edit.at+ticks(max(0, first-edit.from), int64(sound.Timescale)))
	return p, nil
}

// editClock turns the times of a track's media into positions in the file.
type editClock struct {
	timescale int64
	edits     []editRange
}

// editRange is a range of the media, in its own ticks, and the position at which it is shown.
type editRange struct {
	from, to int64
	at       time.Duration
}

// clockOf reads the edit list of a track. The last edit has no end: a player shows what is there.
func clockOf(t *mp4.Track, movie uint32) editClock {
	c := editClock{timescale: int64(t.Timescale)}
	at := time.Duration(0)
	for _, e := range t.Edits {
		length := ticks(int64(min(e.Duration, math.MaxInt64)), int64(movie))
		if e.MediaTime >= 0 {
			n := int64(length.Seconds() * float64(c.timescale))
			c.edits = append(c.edits, editRange{e.MediaTime, e.MediaTime + n, at})
		}
		at += length
	}
	if len(c.edits) == 0 {
		c.edits = []editRange{{0, 0, at}}
	}
	c.edits[len(c.edits)-1].to = math.MaxInt64
	return c
}

// position gives the position of a time of the media; false where it is not shown.
func (c editClock) position(pts int64) (time.Duration, bool) {
	for _, e := range c.edits {
		if pts >= e.from && pts < e.to {
			return e.at + ticks(pts-e.from, c.timescale), true
		}
	}
	return 0, false
}

// ticks turns ticks of a timescale into a time.
func ticks(n, timescale int64) time.Duration {
	return time.Duration(n/timescale)*time.Second + time.Duration(n%timescale*int64(time.Second)/timescale)
}

// placer looks for the fragments of a clip in its file.
type placer struct {
	Pictures
	known []archive.Point
	rule  archive.GapRule
	// at is the index of the picture that the last fragment begins with.
	at int
	// point is the index of the known point that the last position goes by.
	point int
	// shift is by how much the part's times have moved since its beginning, lead how much later its pictures are than their
	// fragments, which begin with sound.
	shift, lead time.Duration
	points      []archive.Point
}

// Place gives the points of a file, of which known are those that it was made with, in order. Each of its runs of fragments is a
// part, or begins where a part does. It gives false where a picture is not where its fragment's time says.
func Place(shown Pictures, known []archive.Point, rule archive.GapRule, runs iter.Seq[[]archive.Fragment]) ([]archive.Point, bool) {
	p := &placer{Pictures: shown, known: known, rule: rule, at: -1, points: slices.Clone(known)}
	var before *archive.Fragment
	for run := range runs {
		for i := range run {
			f := &run[i]
			var ok bool
			switch {
			case i == 0:
				ok = p.first(f)
			case f.Time(p.rule.By).Sub(p.rule.End(*before)) > nearby:
				ok = p.behind(before, f)
			default:
				ok = p.find(f)
			}
			if !ok {
				return nil, false
			}
			before = f
		}
	}
	last := p.All[len(p.All)-1].Position()
	if p.time(last).After(p.rule.End(*before).Add(p.lead + nearby)) {
		return nil, false // more than was listed
	}
	return sortedPoints(p.points), true
}

// time gives the time of a position, as far as it is known. Positions are asked for in their order.
func (p *placer) time(position time.Duration) time.Time {
	for p.point+1 < len(p.known) && p.known[p.point+1].Position <= position+time.Microsecond {
		p.point++
	}
	known := p.known[p.point]
	return known.At.Add(position - known.Position + p.shift)
}

// off gives by how much the picture of an index is later than a fragment would have it.
func (p *placer) off(k int, f *archive.Fragment) time.Duration {
	return p.time(p.All[k].Position()).Sub(f.Time(p.rule.By).Add(p.lead))
}

// next goes to the first picture that a fragment may begin with, going by times.
func (p *placer) next(f *archive.Fragment) bool {
	for p.at++; p.at < len(p.All) && p.off(p.at, f) < -nearby; {
		p.at++
	}
	return p.at < len(p.All)
}

// first finds a fragment that begins a part, which is placed by its time.
func (p *placer) first(f *archive.Fragment) bool {
	moved := p.shift != 0
	p.shift, p.lead = 0, 0
	if !p.next(f) {
		return false
	}
	p.lead = p.off(p.at, f)
	if moved {
		position := p.All[p.at].Position()
		p.points = append(p.points, archive.Point{Position: position, At: p.time(position)})
	}
	return p.lead <= maxLead
}

// find finds a fragment that follows another without a hole.
func (p *placer) find(f *archive.Fragment) bool {
	return p.next(f) && p.off(p.at, f) <= nearby
}

// behind finds a fragment that a hole in the listing is before, which the payload may have closed.
func (p *placer) behind(before, f *archive.Fragment) bool {
	last := p.All[p.at].Position() + before.Length + nearby
	for p.at++; p.at < len(p.All) && p.All[p.at].Position() <= last; {
		p.at++
	}
	if p.at == len(p.All) {
		return false
	}
	off := p.off(p.at, f)
	if off.Abs() <= nearby {
		return true
	}
	if off > 0 || !p.All[p.at].sync() {
		return false
	}
	p.shift -= off
	position := p.All[p.at].Position()
	p.points = append(p.points, archive.Point{Position: position, At: p.time(position)})
	return true
}

// sortedPoints orders points by their positions; of two at one position the later one counts.
func sortedPoints(points []archive.Point) []archive.Point {
	slices.SortStableFunc(points, func(a, b archive.Point) int { return int(a.Position - b.Position) })
	out := points[:0]
	for _, p := range points {
		if n := len(out); n > 0 && out[n-1].Position == p.Position {
			out = out[:n-1]
		}
		out = append(out, p)
	}
	return out
}
