package clip

import (
	"context"
	"fmt"

	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
)

// mp4Fragments gives what the listing says of a part's fragments; nil where it does not tell how long its payload lasts:
// where it says nothing, where times are the server's, which are not the media's, and where fragments overlap, of which
// the service may make anything.
func (p part) mp4Fragments(by archive.Selector) []join.Fragment {
	if by != archive.ByProducer || len(p.Fragments) == 0 {
		return nil
	}
	rule := archive.GapRule{By: by}
	all := make([]join.Fragment, 0, len(p.Fragments))
	for i, f := range p.Fragments {
		if i > 0 && rule.Overlaps(p.Fragments, i) {
			return nil
		}
		all = append(all, join.Fragment{Start: f.Time(by).Sub(p.Fragments[0].Time(by)), Length: f.Length, Size: f.Size})
	}
	return all
}

// remarkSurplus notes what the payload of a clip of one part has beyond what was listed; it is served as it is. A payload
// whose moov comes last is looked at once all of it has come.
func (c *Clip) remarkSurplus(ctx context.Context, payload *download.Reader, p part) {
	if c.surplus.Swap(true) {
		return
	}
	switch movie, err := payload.Movie(ctx); {
	case movie != nil:
		c.remarkOne(join.Part{Head: func() (*mp4.Movie, error) { return movie, nil }, Fragments: p.mp4Fragments(c.library.options.Selector)})
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
