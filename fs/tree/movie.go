package tree

import (
	"context"

	"clipfs/clip"
)

// movie is the clip itself.
type movie struct{ *clip.Clip }

func movieOf(_ context.Context, _ source, c *clip.Clip) (made, error) {
	return made{version: c.Key(), content: movie{c}, attributes: true}, nil
}

func (m movie) stored() int64 { return m.MediaBytes() }

func (m movie) open(ctx context.Context) (Reader, error) { return readerOf(m.Open(ctx)) }
