package hls

import (
	"context"
	"fmt"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/names"
	"clipfs/clip/plan"
	"clipfs/clip/playlist"
)

// Live gives the playlist of the last minutes of a stream: of the segments that are all there, which go on. It costs what finding the newest footage
// costs, and the first time the listing of its day, which numbers its segments. ErrNoFootage where no segment is there yet. End is when
// the last one ends.
func (p *Publisher) Live(ctx context.Context, name archive.StreamName) (text []byte, end time.Time, err error) {
	_, end, err = p.library.Newest(ctx, name)
	if err != nil {
		return nil, time.Time{}, err
	}
	s := p.stream(name)
	from := s.live.from(end)
	v, err := p.library.View(ctx, name, end)
	if err != nil {
		return nil, time.Time{}, err
	}
	listed, err := p.library.List(ctx, v, archive.Span{Start: from, End: end.Add(archive.MaxFragmentLength)})
	if err != nil {
		return nil, time.Time{}, err
	}
	_, over := plan.Planner{Rule: listed.Rule}.Plan(listed.Fragments, day)
	fragments := servedOf(listed.Fragments, over)
	w := s.live.goOn(fragments, listed.Rule, from, playlist.Options{Segment: p.options.Segment})
	w = latestCodec(w, s.codings)
	if len(w.Segments) == 0 {
		return nil, time.Time{}, fmt.Errorf("stream %s: no segment is there yet: %w", name, archive.ErrNoFootage)
	}
	uri := func(g playlist.Segment) string { return names.FormatSegment(g.Span, g.PTS) }
	return playlist.Live(w, uri), w.Segments[len(w.Segments)-1].Span.End, nil
}

// latestCodec leaves out what comes before the last change of the video codec that is known, as no player goes on from one to another.
func latestCodec(w playlist.Window, known *codings) playlist.Window {
	video := ""
	for i := len(w.Segments) - 1; i >= 0; i-- {
		c, ok := known.at(w.Segments[i].Span.Start)
		if !ok {
			continue
		}
		if video == "" {
			video = c.Video
		}
		if c.Video != video {
			return without(w, i+1)
		}
	}
	return w
}
