package plan

import (
	"time"

	"clipfs/clip/archive"
)

// Cut is Plan of fragments that lie over no others.
func (p Planner) Cut(fragments []archive.Fragment, length time.Duration) []Part {
	return p.cut(fragments, length)
}
