package plan

import (
	"cmp"
	"time"

	"clipfs/clip/archive"
)

// What one GetClip call carries (API reference, GetClip: "a maximum of 200 fragments or 100 MB"). Sizes are those of
// the stored Matroska, and MP4 can be larger, so a part keeps a tenth in hand.
const (
	MaxFragments = 200
	MaxBytes     = 90_000_000
)

// DefaultGrid is the grid on which clips of up to finestUpTo are cut.
const DefaultGrid = time.Minute

// finestUpTo is how long a clip may be to be cut on the finest grid. A longer one is cut on one that is as many times
// coarser as it is longer, if one call carries so much.
const finestUpTo = time.Hour

// mostSplit is which share of the parts may be pieces of a cell that was too much for one call before a finer grid is
// taken: a busy minute must not make a whole day finer.
const mostSplit = 1.0 / 8

// mostOverlaps is which share of the fragments may overlap the one before for parts to be cut there: of a time that was
// recorded twice from end to end every fragment would be a call.
const mostOverlaps = 1.0 / 8

// Planner cuts clips into parts. The zero value of Grid stands for DefaultGrid.
type Planner struct {
	Rule archive.GapRule
	Grid time.Duration
	// Fixed has clips of every length cut on Grid, so that all of them share parts.
	Fixed bool

	// through: overlaps do not end a part.
	through bool
	// over are fragments, in the order of their times, that calls ask for besides those that are cut into parts.
	over []archive.Fragment
}

// Minutely reports whether clips of a length, if they are of several parts, are cut at full minutes where nothing else asks for it.
func (p Planner) Minutely(length time.Duration) bool {
	return cmp.Or(p.Grid, DefaultGrid) == time.Minute && (p.Fixed || length < 2*finestUpTo)
}

// Plan cuts the fragments that are listed of a clip of some length, in the order of their times, into parts. Over are
// those that lie over older footage and are left out.
func (p Planner) Plan(listed []archive.Fragment, length time.Duration) (parts []Part, over []archive.Fragment) {
	kept, over := supersede(p.Rule, listed)
	p.over = over
	parts = p.cut(kept, length)
	if len(over) > 0 {
		for i := range parts {
			parts[i].Over = overIn(p.Rule, parts, i, over)
		}
	}
	return parts, over
}

// cut cuts fragments into one part if one call carries them and no gap or overlap lies between them, else on a grid of
// absolute time, so that clips that overlap share parts.
func (p Planner) cut(fragments []archive.Fragment, length time.Duration) []Part {
	p = p.of(fragments)
	if len(fragments) <= MaxFragments {
		if whole, _ := p.cutAt(fragments, 0); len(whole) <= 1 {
			return whole
		}
	}
	grid := cmp.Or(p.Grid, DefaultGrid)
	for _, times := range gridSteps() {
		if times > 1 && (p.Fixed || time.Duration(times)*finestUpTo > length) {
			continue
		}
		parts, split := p.cutAt(fragments, time.Duration(times)*grid)
		if times == 1 || float64(split) <= mostSplit*float64(len(parts)) {
			return parts
		}
	}
	return nil // the last step is 1
}

// of returns the planner that knows whether overlaps end the parts of fragments: not where there are none, and not where there are too many.
func (p Planner) of(fragments []archive.Fragment) Planner {
	overlaps := 0
	for i := 1; i < len(fragments); i++ {
		if p.Rule.Overlaps(fragments, i) {
			overlaps++
		}
	}
	p.through = overlaps == 0 || float64(overlaps) > max(1, mostOverlaps*float64(len(fragments)))
	return p
}

// besides is how many fragments, and how many bytes, a call asks for besides those from one to another.
func (p Planner) besides(from, to archive.Fragment) (n int, bytes int64) {
	by := p.Rule.By
	first := by.Before(p.over, from.Time(by))
	for _, f := range p.over[first:] {
		if f.Time(by).After(to.Time(by)) {
			break
		}
		n++
		bytes += f.Size
	}
	return n, bytes
}

// gridSteps has how many times the finest grid another one can be: what divides 60, coarsest first, so that a grid of
// minutes never crosses a full hour.
func gridSteps() []int { return []int{60, 30, 20, 15, 12, 10, 6, 5, 4, 3, 2, 1} }

// cutAt cuts fragments at gaps and overlaps, between the cells of a grid (0 for none), and where a call would carry no
// more; split is how many parts begin for that last reason. Fragments of one time stay together where that can be: calls
// ask by time.
func (p Planner) cutAt(fragments []archive.Fragment, cell time.Duration) (parts []Part, split int) {
	begin, bytes, gap := 0, int64(0), false
	var border time.Time // where the present cell ends
	end := func(at int, gapAfter bool) {
		parts = append(parts, Part{Fragments: fragments[begin:at:at], GapBefore: gap})
		begin, gap, bytes = at, gapAfter, 0
	}
	for i := range fragments {
		f := &fragments[i]
		if i > begin {
			isGap := p.Rule.GapBefore(fragments, i)
			overlap := !p.through && p.Rule.Overlaps(fragments, i)
			more, moreBytes := 0, int64(0)
			if len(p.over) > 0 {
				more, moreBytes = p.besides(fragments[begin], *f)
			}
			switch {
			case isGap, overlap, cell > 0 && !f.Time(p.Rule.By).Before(border):
				end(i, isGap)
			case i-begin+more >= MaxFragments, bytes+moreBytes+f.Size > MaxBytes:
				split++
				end(begin+Border(fragments[begin:i+1], i-begin, p.Rule.By), false)
				bytes = Part{Fragments: fragments[begin:i]}.Bytes()
			}
		}
		if i == begin && cell > 0 {
			border = f.Time(p.Rule.By).Truncate(cell).Add(cell)
		}
		bytes += f.Size
	}
	if begin < len(fragments) {
		end(len(fragments), false)
	}
	return parts, split
}

// Border is the last place up to at where fragments can be cut without parting two of one time; at if there is none.
func Border(fragments []archive.Fragment, at int, by archive.Selector) int {
	for i := at; i > 0; i-- {
		if !fragments[i].Time(by).Equal(fragments[i-1].Time(by)) {
			return i
		}
	}
	return at
}

// Apart cuts all that a call for the part asks for into one part for each run without overlaps; where much of it overlaps
// that is one part.
func (p Part) Apart(rule archive.GapRule) []Part {
	all := p.All(rule.By)
	parts, _ := Planner{Rule: rule}.of(all).cutAt(all, 0)
	if len(parts) > 0 {
		parts[0].GapBefore = p.GapBefore
	}
	return parts
}
