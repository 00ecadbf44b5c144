package tree

import (
	"context"
	"strings"

	"clipfs/clip"
	"clipfs/clip/hls"
)

// playlistOf is the playlist of the segments of a clip.
func playlistOf(ctx context.Context, s source, c *clip.Clip) (made, error) {
	prefix := strings.Repeat("../", strings.Count(s.asked.path, "/")-1) // to the directory of the stream
	list, err := s.publisher.Playlist(ctx, c, prefix)
	if err != nil {
		return made{}, err
	}
	return made{
		version: list.Version, attributes: true, notes: strings.Join(list.Notes, "\n"), content: written{list.Size, list.Text},
	}, nil
}

// segment is the frames of a clip at a position of a playlist.
type segment struct {
	*hls.Segment
	media int64
}

func segmentOf(ctx context.Context, s source, c *clip.Clip) (made, error) {
	found, err := s.publisher.Segment(ctx, c, s.asked.position)
	if err != nil {
		return made{}, err
	}
	return made{
		version: found.Version(), content: segment{found, c.MediaBytes()}, attributes: true, err: found.Err, measured: found.Measure,
	}, nil
}

func (s segment) stored() int64 { return s.media }

func (s segment) open(ctx context.Context) (Content, error) { return contentOf(s.Open(ctx)) }
