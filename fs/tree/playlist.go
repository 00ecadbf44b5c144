package tree

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/hls"
)

// playlistOf is the playlist of the segments of a clip.
func playlistOf(ctx context.Context, s source, c *clip.Clip) (made, error) {
	list, err := s.publisher.Playlist(ctx, c, s.asked.up())
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

func (s segment) open(ctx context.Context) (Reader, error) { return readerOf(s.Open(ctx)) }

// liveName is the name of the playlist that follows a stream. No directory lists it: it is another file at each look.
const liveName = "live.m3u8"

// live is that playlist as it is now. It is valid for no time: an open looks first, and opens what it saw; ErrChanged where heads tell that it begins later
// (hls.Publisher.Follow).
func (s *streamDir) live(ctx context.Context) (Entry, error) {
	text, end, err := s.publisher.Live(ctx, s.name)
	if err != nil {
		return nil, err
	}
	return &File{
		Info:    Info{Path: path.Join(string(s.name), liveName), Time: end, ValidUntil: time.Now()},
		Version: hls.VersionOf(text), ContentType: formOf(".m3u8").contentType,
		content: written{int64(len(text)), func(ctx context.Context) ([]byte, error) {
			if s.publisher.Follow(ctx, s.name) {
				return nil, fmt.Errorf("%s of %s begins later by now: %w", liveName, s.name, archive.ErrChanged)
			}
			return text, nil
		}},
	}, nil
}

// up leads from the directory of a file to that of its stream.
func (a asked) up() string { return strings.Repeat("../", strings.Count(a.path, "/")-1) }
