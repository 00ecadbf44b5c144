package tree

import (
	"context"
	"fmt"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/chart"
	"clipfs/clip/names"
)

// chartOf is a picture of what is recorded in the span of a clip.
func chartOf(ctx context.Context, s source, c *clip.Clip) (made, error) {
	return textOf(ctx, c, "svg", func(r clip.Recording) []byte {
		start := s.grammar.FormatExactly(r.Span.Start, archive.Day)
		return chart.Chart{
			Title: fmt.Sprintf("%s, %s, %s", r.Stream.Name, start, names.FormatLength(r.Span.Length())),
			Span:  r.Span, Fragments: r.Fragments, Rule: r.Rule, Location: s.grammar.Location,
		}.SVG()
	})
}
