package tree

import (
	"context"
	"encoding/hex"
	"fmt"

	"clipfs/clip"
	"clipfs/clip/archive"
)

// sidecarOf is what the listing tells of a clip. Its text is written when it is opened: those of a day's clips together
// are too much to keep.
func sidecarOf(ctx context.Context, _ source, c *clip.Clip) (made, error) {
	first, err := c.Sidecar(ctx)
	if err != nil {
		return made{}, err
	}
	sum := first.Sum()
	return made{version: hex.EncodeToString(sum[:]), content: written{first.Size(), func(ctx context.Context) ([]byte, error) {
		text, err := c.Sidecar(ctx)
		if err != nil {
			return nil, err
		}
		if text.Sum() != sum {
			return nil, fmt.Errorf("the listing of %s %s says something else by now: %w", c.Stream(), c.Span(), archive.ErrChanged)
		}
		return text.Text(), nil
	}}}, nil
}
