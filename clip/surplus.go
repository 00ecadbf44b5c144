package clip

import (
	"context"
	"fmt"

	"clipfs/clip/download"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
	"clipfs/clip/resolve"
)

// remarkSurplus notes what the payload of a clip of one part has beyond what was listed; it is served as it is. A payload
// whose moov comes last is looked at once all of it has come.
func (c *Clip) remarkSurplus(ctx context.Context, payload *download.Reader, p resolve.Part) {
	if c.surplus.Swap(true) {
		return
	}
	switch movie, err := payload.Movie(ctx); {
	case movie != nil:
		c.remarkOne(join.Part{Head: func() (*mp4.Movie, error) { return movie, nil }, Fragments: p.Listed(c.library.options.Selector)})
	case err == nil:
		c.surplus.Store(false)
	}
}

// remarkOne notes what a payload has beyond what was listed. One that cannot be joined says nothing.
func (c *Clip) remarkOne(p join.Part) {
	if out, err := join.Surplus(p); err == nil && out.Pictures+out.Sounds > 0 {
		c.remark(fmt.Sprintf("the payload has more than was listed, or has it twice: %d pictures and %d frames of sound; it is served as it is",
			out.Pictures, out.Sounds))
	}
}
