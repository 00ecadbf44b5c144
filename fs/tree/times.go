package tree

import (
	"context"

	"clipfs/clip"
	"clipfs/clip/sidecar"
)

// times is which time of day a position in the clip is, as its media tells.
type times struct{ *sidecar.Times }

func timesOf(_ context.Context, _ source, c *clip.Clip) (made, error) {
	return made{version: c.Key(), content: times{sidecar.NewTimes(c)}, attributes: true}, nil
}

func (t times) stored() int64 {
	n, _ := t.Size()
	return n
}

func (t times) open(ctx context.Context) (Reader, error) {
	text, err := t.Text(ctx)
	return readerOf(Text(text), err)
}
