package plan

import (
	"slices"
	"time"

	"clipfs/clip/archive"
)

// MaxRunning is the longest a fragment can run: its own length, and as much again that a gap rule adds at most.
const MaxRunning = 2 * archive.MaxFragmentLength

// Running is the index of the first of those fragments, in the order of their times, that it takes to show an instant
// and all that starts after it: the last one to start before the instant that had not ended then, or else, where no gap
// lies between the two fragments around the instant, the one before it: its last picture stands until the next. A
// fragment that starts at the instant is the first itself. Of fragments with one time it is the first, as no call can ask
// for the others alone.
func Running(r archive.GapRule, fragments []archive.Fragment, at time.Time) int {
	next, starts := slices.BinarySearchFunc(fragments, at, func(f archive.Fragment, at time.Time) int { return f.Time(r.By).Compare(at) })
	if starts {
		return next
	}
	first := next - 1
	for first >= 0 && !r.End(fragments[first]).After(at) {
		first--
	}
	if first < 0 {
		if next == 0 || next == len(fragments) || r.Between(fragments[next-1], fragments[next]) {
			return next
		}
		first = next - 1
	}
	for first > 0 && fragments[first-1].Time(r.By).Equal(fragments[first].Time(r.By)) {
		first--
	}
	return first
}
