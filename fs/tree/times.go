package tree

import (
	"context"

	"clipfs/clip"
)

// times is which time of day a position in the clip is, as its media tells.
type times struct{ *clip.Times }

func timesOf(_ context.Context, _ source, c *clip.Clip) (made, error) {
	return made{version: c.Key(), content: times{c.Times()}, attributes: true}, nil
}

func (t times) stored() int64 {
	n, _ := t.Size()
	return n
}

func (t times) open(ctx context.Context) (Content, error) { return contentOf(t.Open(ctx)) }
