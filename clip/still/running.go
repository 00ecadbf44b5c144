package still

import (
	"slices"
	"time"

	"clipfs/clip/archive"
)

// maxRunning is the longest that a fragment can run: its own length, and as much again that a gap rule adds at most.
const maxRunning = 2 * archive.MaxFragmentLength

// around is what to list to tell which fragment ran at an instant, and whether the next follows it without a gap.
func around(at time.Time, gap time.Duration) archive.Span {
	return archive.Span{Start: at.Add(-maxRunning - gap), End: at.Add(gap + archive.Grain)}
}

// running gives the fragment that ran at an instant, of those around it in the order of their times: the last one to start by
// then that had not ended; one of a single picture lasts a moment at least. Where none had, its last picture stands until the next fragment if no gap lies between the two.
func running(r archive.GapRule, fragments []archive.Fragment, at time.Time) (archive.Fragment, bool) {
	next, _ := slices.BinarySearchFunc(fragments, at, func(f archive.Fragment, at time.Time) int {
		if f.Time(r.By).After(at) {
			return 1
		}
		return -1
	})
	for i := next - 1; i >= 0; i-- {
		if r.End(fragments[i]).After(at) || fragments[i].Time(r.By).Equal(at) {
			return fragments[i], true
		}
	}
	if next == 0 || next == len(fragments) || r.Between(fragments[next-1], fragments[next]) {
		return archive.Fragment{}, false
	}
	return fragments[next-1], true
}
