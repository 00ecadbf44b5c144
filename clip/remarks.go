package clip

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"clipfs/clip/download"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
	"clipfs/clip/resolve"
	"clipfs/clip/told"
)

// remarkLeftOut notes what payloads have that the file does not.
func (c *Clip) remarkLeftOut(all []join.LeftOut, parts []resolve.Resolved) {
	var sum join.LeftOut
	odd, first := 0, -1
	for _, out := range all {
		sum.Tracks = max(sum.Tracks, out.Tracks)
		if out.Pictures+out.Sounds == 0 {
			continue
		}
		odd++
		sum.Pictures, sum.Sounds = sum.Pictures+out.Pictures, sum.Sounds+out.Sounds
		if first < 0 {
			first = out.Part
		}
	}
	if sum.Tracks > 0 {
		c.remark(fmt.Sprintf("payloads have %d more tracks of video or sound: the first of each is in the file", sum.Tracks))
	}
	if odd > 0 {
		c.remark(fmt.Sprintf("%d of %d payloads, from %s on, have more than was listed or have it twice: %d pictures and %d frames of sound are left out",
			odd, len(parts), told.Clock(parts[first].Begins(c.library.options.Selector)), sum.Pictures, sum.Sounds))
	}
}

// remarkSurplus notes what the payload of a clip of one part has beyond what was listed; it is served as it is. A payload
// whose moov comes last is looked at once all of it has come.
func (c *Clip) remarkSurplus(ctx context.Context, payload *download.Reader, p resolve.Part) {
	if c.surplus.Swap(true) {
		return
	}
	stamp := payload.Stamp()
	if c.library.downloads.AsListed(p.Key, stamp) {
		return
	}
	switch movie, err := payload.Movie(ctx); {
	case movie != nil:
		part := join.Part{Head: func(context.Context) (*mp4.Movie, error) { return movie, nil }, Fragments: p.Listed(c.library.options.Selector)}
		if c.remarkOne(ctx, part) && payload.Stamp() == stamp { // else another download has brought it again meanwhile
			c.library.downloads.NoteAsListed(p.Key, stamp)
		}
	case err == nil:
		c.surplus.Store(false)
	}
}

// remarkOne notes what a payload has beyond what was listed, and reports whether that is nothing. One that cannot be joined says nothing.
func (c *Clip) remarkOne(ctx context.Context, p join.Part) (asListed bool) {
	out, err := join.Surplus(ctx, p)
	if err != nil {
		return false
	}
	if out.Pictures+out.Sounds > 0 {
		c.remark(fmt.Sprintf("the payload has more than was listed, or has it twice: %d pictures and %d frames of sound; it is served as it is",
			out.Pictures, out.Sounds))
		return false
	}
	return true
}

// remarkLost notes what is listed and not served: when its fragments begin.
func (c *Clip) remarkLost(lost []resolve.Part) {
	why := make(map[string][]time.Time)
	for _, p := range lost {
		for _, f := range p.Fragments {
			why[p.Lost] = append(why[p.Lost], f.Time(c.library.options.Selector))
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(why)) {
		c.remark(fmt.Sprintf("%s: %s", reason, told.Times(why[reason])))
	}
}
