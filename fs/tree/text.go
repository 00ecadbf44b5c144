package tree

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"clipfs/clip"
	"clipfs/clip/archive"
)

// textOf is a form that follows from what the listing tells of a clip. Its text is written again when it is opened, as
// those of a day's clips together are too much to keep; ErrChanged if it is another by then.
func textOf(ctx context.Context, c *clip.Clip, write func(clip.Recording) []byte) (made, error) {
	text := func(ctx context.Context) ([]byte, [sha256.Size]byte, error) {
		r, err := c.Recording(ctx)
		if err != nil {
			return nil, [sha256.Size]byte{}, err
		}
		b := write(r)
		return b, sha256.Sum256(b), nil
	}
	first, sum, err := text(ctx)
	if err != nil {
		return made{}, err
	}
	return made{version: hex.EncodeToString(sum[:]), content: written{int64(len(first)), func(ctx context.Context) ([]byte, error) {
		b, now, err := text(ctx)
		if err == nil && now != sum {
			err = fmt.Errorf("the listing of %s %s says something else by now: %w", c.Stream(), c.Span(), archive.ErrChanged)
		}
		return b, err
	}}}, nil
}
