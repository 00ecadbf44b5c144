package tree

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"clipfs/clip"
	"clipfs/clip/archive"
)

// sidecar is what the listing tells of a clip. Its text is written when it is opened: those of a day's clips together are
// too much to keep.
type sidecar struct {
	clip *clip.Clip
	size int64
	sum  [sha256.Size]byte
}

// sidecarOf makes it. The size is exact from the start.
func sidecarOf(ctx context.Context, c *clip.Clip) (made, error) {
	text, err := c.Sidecar(ctx)
	if err != nil {
		return made{}, err
	}
	s := sidecar{clip: c, size: text.Size(), sum: text.Sum()}
	return made{version: hex.EncodeToString(s.sum[:]), content: s}, nil
}

// Size is exact.
func (s sidecar) Size() (n int64, exact bool) { return s.size, true }

func (s sidecar) stored() int64 { return s.size }

func (s sidecar) open(ctx context.Context) (Content, error) {
	text, err := s.clip.Sidecar(ctx)
	if err != nil {
		return Content{}, err
	}
	if text.Sum() != s.sum {
		return Content{}, fmt.Errorf("the listing of %s %s says something else by now: %w", s.clip.Stream(), s.clip.Span(), archive.ErrChanged)
	}
	return Content{Reader: Text(text.Text())}, nil
}
