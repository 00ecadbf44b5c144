package fs

import (
	"context"

	"clipfs/clip"
)

// content is a form of a clip whose exact size is known once it was opened: the clip itself, or what only its media tells.
type content interface {
	// Size is the size in bytes; until it is exact it is an estimate on the high side.
	Size() (n int64, exact bool)
	// open waits until the size is exact.
	open(ctx context.Context) (opened, error)
}

// opened is an open content.
type opened interface {
	Size() int64
	Complete() bool
	ReadAt(ctx context.Context, p []byte, off int64) (int, error)
	Close() error
}

var (
	_ opened = (*clip.Handle)(nil)
	_ opened = (*clip.TimesHandle)(nil)
)

// contentOf gives a form of a clip.
func contentOf(c *clip.Clip, kind clip.Kind) content {
	if kind == clip.PositionTimes {
		return times{c.Times()}
	}
	return movie{c}
}

// movie is the clip itself.
type movie struct{ *clip.Clip }

func (m movie) open(ctx context.Context) (opened, error) {
	h, err := m.Open(ctx)
	if err != nil {
		return nil, err
	}
	return h, nil
}

// times is which time of day a position in the clip is.
type times struct{ *clip.Times }

func (t times) open(ctx context.Context) (opened, error) {
	h, err := t.Open(ctx)
	if err != nil {
		return nil, err
	}
	return h, nil
}
