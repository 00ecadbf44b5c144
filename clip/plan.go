package clip

import (
	"slices"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
)

// What one GetClip call carries (API reference, GetClip: "a maximum of 200 fragments or 100 MB"). Sizes are those of
// the stored Matroska, and MP4 can be larger, so a part keeps a tenth in hand.
const (
	maxPartFragments = 200
	maxPartBytes     = 90_000_000
)

// DefaultPart is the grid on which clips of up to finestUpTo are cut.
const DefaultPart = time.Minute

// finestUpTo is how long a clip may be to be cut on the finest grid. A longer one is cut on one that is as many times
// coarser as it is longer, if one call carries so much.
const finestUpTo = time.Hour

// mostSplit is which share of the parts may be pieces of a cell that was too much for one call before a finer grid is
// taken: a busy minute must not make a whole day finer.
const mostSplit = 1.0 / 8

// mostOverlaps is which share of the fragments may overlap the one before for parts to be cut there: of a time that was
// recorded twice from end to end every fragment would be a call.
const mostOverlaps = 1.0 / 8

// part is the piece of a clip that one GetClip call covers: a run of fragments without a gap, within the limits.
type part struct {
	fragments []archive.Fragment
	// gapBefore says that a gap lies between the clip's fragment before and this part.
	gapBefore bool
	// asked is what the call asks for where that is more than it is known to bring; nil where it is the fragments.
	asked []archive.Fragment
	// over are those that the call asks for too, though they lie over older ones.
	over []archive.Fragment
	// lost says why no call brings the fragments; "" where one does.
	lost string
	// key is that of its payload.
	key cache.Key
	// opening is the number of the opening of a clip that it is for; 0 for none.
	opening uint64
}

// planner cuts clips into parts. Its zero value for grid stands for DefaultPart.
type planner struct {
	rule archive.GapRule
	grid time.Duration
	// through says that overlaps do not end a part.
	through bool
	// over are fragments, in the order of their times, that calls ask for besides those that are cut into parts.
	over []archive.Fragment
}

// plan cuts fragments, in the order of their times, of a clip of some length: into one part if one call carries them
// and no gap or overlap lies between them, else on a grid of absolute time, so that clips that overlap share parts.
func (p planner) plan(fragments []archive.Fragment, length time.Duration) []part {
	p = p.of(fragments)
	if len(fragments) <= maxPartFragments {
		if whole, _ := p.cut(fragments, 0); len(whole) <= 1 {
			return whole
		}
	}
	grid := p.grid
	if grid == 0 {
		grid = DefaultPart
	}
	for _, times := range gridSteps() {
		if times > 1 && time.Duration(times)*finestUpTo > length {
			continue
		}
		parts, split := p.cut(fragments, time.Duration(times)*grid)
		if times == 1 || float64(split) <= mostSplit*float64(len(parts)) {
			return parts
		}
	}
	return nil // the last step is 1
}

// of gives the planner that knows whether overlaps end the parts of fragments.
func (p planner) of(fragments []archive.Fragment) planner {
	overlaps := 0
	for i := 1; i < len(fragments); i++ {
		if p.rule.Overlaps(fragments, i) {
			overlaps++
		}
	}
	p.through = float64(overlaps) > max(1, mostOverlaps*float64(len(fragments)))
	return p
}

// besides gives how many fragments, and how many bytes, a call asks for besides those from one to another.
func (p planner) besides(from, to archive.Fragment) (n int, bytes int64) {
	by := p.rule.By
	first, _ := slices.BinarySearchFunc(p.over, from.Time(by), func(f archive.Fragment, at time.Time) int { return f.Time(by).Compare(at) })
	for _, f := range p.over[first:] {
		if f.Time(by).After(to.Time(by)) {
			break
		}
		n++
		bytes += f.Size
	}
	return n, bytes
}

// gridSteps are how many times the finest grid another one can be: what divides 60, coarsest first, so that a grid of
// minutes never crosses a full hour.
func gridSteps() []int { return []int{60, 30, 20, 15, 12, 10, 6, 5, 4, 3, 2, 1} }

// cut cuts fragments at gaps and overlaps, between the cells of a grid (0 for none), and where a call would carry no more; split is
// how many parts begin for that last reason. Fragments of one time stay together where that can be: calls ask by time.
func (p planner) cut(fragments []archive.Fragment, cell time.Duration) (parts []part, split int) {
	begin, bytes, gap := 0, int64(0), false
	var border time.Time // where the present cell ends
	end := func(at int, gapAfter bool) {
		parts = append(parts, part{fragments: fragments[begin:at:at], gapBefore: gap})
		begin, gap, bytes = at, gapAfter, 0
	}
	for i, f := range fragments {
		if i > begin {
			last := fragments[i-1]
			isGap := p.rule.Between(last, f)
			overlap := !p.through && p.rule.Overlaps(fragments, i)
			more, moreBytes := p.besides(fragments[begin], f)
			switch {
			case isGap, overlap, cell > 0 && !f.Time(p.rule.By).Before(border):
				end(i, isGap)
			case i-begin+more >= maxPartFragments, bytes+moreBytes+f.Size > maxPartBytes:
				split++
				end(begin+apart(fragments[begin:i+1], i-begin, p.rule.By), false)
				bytes = part{fragments: fragments[begin:i]}.bytes()
			}
		}
		if i == begin && cell > 0 {
			border = f.Time(p.rule.By).Truncate(cell).Add(cell)
		}
		bytes += f.Size
	}
	if begin < len(fragments) {
		end(len(fragments), false)
	}
	return parts, split
}

// apart gives the last place up to at where fragments can be cut without parting two of one time; at if there is none.
func apart(fragments []archive.Fragment, at int, by archive.Selector) int {
	for i := at; i > 0; i-- {
		if !fragments[i].Time(by).Equal(fragments[i-1].Time(by)) {
			return i
		}
	}
	return at
}

// slice gives the part of some of the fragments, whose payload has no key yet.
func (p part) slice(from, to int) part {
	return part{fragments: p.fragments[from:to:to], opening: p.opening}
}

// bytes is the sum of the fragments' sizes as stored.
func (p part) bytes() int64 {
	var n int64
	for _, f := range p.fragments {
		n += f.Size
	}
	return n
}

// span is from the first fragment's time to just after the last one's.
func (p part) span(by archive.Selector) archive.Span {
	first, last := p.fragments[0].Time(by), p.fragments[len(p.fragments)-1].Time(by)
	return archive.Span{Start: first, End: last.Add(archive.Grain)}
}

// query asks for the part's fragments, or for what brings them, whatever arrives after that: from the first one's time to the
// last's.
func (p part) query(stream archive.StreamName, by archive.Selector) archive.PayloadQuery {
	asked := part{fragments: p.all(by)}
	if p.asked != nil {
		asked.fragments = p.asked
	}
	span := asked.span(by)
	if span.Length() == archive.Grain {
		// The service wants its inclusive end after its start.
		span.End = span.End.Add(archive.Grain)
	}
	return archive.PayloadQuery{Stream: stream, Selector: by, Span: span, Fragments: len(asked.fragments)}
}
