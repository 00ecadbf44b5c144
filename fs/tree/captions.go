package tree

import (
	"context"

	"clipfs/clip"
	"clipfs/clip/captions"
)

// captionsOf writes the time of day that each position in a clip is, as captions.
func captionsOf(ctx context.Context, s source, c *clip.Clip, name string, write func(captions.Track) []byte) (made, error) {
	return textOf(ctx, c, name, func(r clip.Recording) []byte {
		return write(captions.Track{Points: r.Points, Length: r.Length, Location: s.grammar.Location})
	})
}

// srtOf writes them as players load them.
func srtOf(ctx context.Context, s source, c *clip.Clip) (made, error) {
	return captionsOf(ctx, s, c, "srt", captions.Track.SRT)
}

// vttOf writes them as browsers do.
func vttOf(ctx context.Context, s source, c *clip.Clip) (made, error) {
	return captionsOf(ctx, s, c, "vtt", captions.Track.VTT)
}
