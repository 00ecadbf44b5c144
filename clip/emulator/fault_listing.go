package emulator

import (
	"math/rand/v2"

	"clipfs/clip/emulator/fault"
	"clipfs/clip/emulator/footage"
)

const (
	// missingEvery is one in how many fragments a page lacks.
	missingEvery = 10
	// comesAgain is how many of a listing's fragments stand on each of its pages.
	comesAgain = 10
)

// mislist gives a page of a listing of all, and whether there are more, as a fault has them.
func (c *call) mislist(all, page []footage.Fragment, more bool) ([]footage.Fragment, bool) {
	switch {
	case c.has(fault.Duplicate):
		page = append(append(page[:len(page):len(page)], page...), all[:min(comesAgain, len(all))]...)
	case c.has(fault.Missing):
		var kept []footage.Fragment
		for i, f := range page {
			if i%missingEvery != 0 {
				kept = append(kept, f)
			}
		}
		page = kept
	case c.has(fault.Endless):
		more = true
	}
	return page, more
}

// again gives the place at which a listing that has come to its end begins anew, in another order.
func again() fragmentCursor { return fragmentCursor{seed: rand.Uint64()} }
