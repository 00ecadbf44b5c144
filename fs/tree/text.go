package tree

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"clipfs/clip"
	"clipfs/clip/archive"
)

// textSize is what a look-up tells of a text.
type textSize struct {
	bytes int64
	sum   [sha256.Size]byte
}

// textOf is a form that follows from what the listing tells of a clip. Its text is written again when it is opened, as
// those of a day's clips together are too much to keep; ErrChanged if it is another by then. Its size is remembered with the clip by the name,
// unless that is empty: then the text follows from more than the clip.
func textOf(ctx context.Context, c *clip.Clip, name string, write func(clip.Recording) []byte) (made, error) {
	text := func(ctx context.Context) (b []byte, size textSize, err error) {
		err = c.WithRecording(ctx, func(r clip.Recording) error {
			b = write(r)
			size = textSize{int64(len(b)), sha256.Sum256(b)}
			return nil
		})
		return b, size, err
	}
	first, err := clip.Memo(c, name, func() (textSize, error) {
		_, size, err := text(ctx)
		return size, err
	})
	if err != nil {
		return made{}, err
	}
	return made{version: hex.EncodeToString(first.sum[:]), content: written{first.bytes, func(ctx context.Context) ([]byte, error) {
		b, now, err := text(ctx)
		if err == nil && now.sum != first.sum {
			err = fmt.Errorf("the listing of %s %s says something else by now: %w", c.Stream(), c.Span(), archive.ErrChanged)
		}
		return b, err
	}}}, nil
}
