package tree

import (
	"context"

	"clipfs/clip"
	"clipfs/clip/sidecar"
)

// sidecarOf is what the listing tells of a clip.
func sidecarOf(ctx context.Context, s source, c *clip.Clip) (made, error) {
	return textOf(ctx, c, "json", func(r clip.Recording) []byte {
		return sidecar.Text(r, s.grammar.FormatPath(r.Stream.Name, r.Span, r.Cover))
	})
}
