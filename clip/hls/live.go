package hls

import (
	"context"
	"fmt"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/names"
	"clipfs/clip/plan"
	"clipfs/clip/playlist"
	"clipfs/clip/segment"
)

// tellWithin is how long heads may take that tell where the codec of a live playlist changed.
const tellWithin = 5 * time.Second

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

// Follow is called when a live playlist is opened. Where nobody has opened it for a minute it has heads tell where the video codec of its segments has changed,
// and reports whether the playlist begins later for that. It costs nothing while somebody follows, as what is played tells then.
func (p *Publisher) Follow(ctx context.Context, name archive.StreamName) (changed bool) {
	s := p.stream(name)
	all, begins := s.live.opened(time.Now())
	before := latestCodec(all, s.codings).Segments
	if !begins || len(before) == 0 {
		return false
	}
	first := before[p.tellCodec(ctx, name, before)].Span.Start
	after := latestCodec(s.live.drop(first), s.codings).Segments
	return len(after) > 0 && after[0].Span.Start.After(before[0].Span.Start)
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

// tellCodec gives the index of the first segment that has the video codec of the last one, as all behind it have: with another one a player that begins now
// would stop there. Where nothing was read of the segments it reads heads: of two of them where the codec has not changed, and of one more for each time that
// they can be halved. It gives 0 where these are not there in a moment.
func (p *Publisher) tellCodec(ctx context.Context, name archive.StreamName, segments []playlist.Segment) int {
	ctx, cancel := context.WithTimeout(ctx, tellWithin)
	defer cancel()
	from, to := 0, len(segments)-1
	newest, ok := p.videoOf(ctx, name, segments[to].Span)
	if !ok {
		return 0
	}
	if first, ok := p.videoOf(ctx, name, segments[from].Span); !ok && ctx.Err() != nil || first == newest {
		return 0
	}
	for to-from > 1 {
		middle := (from + to) / 2
		switch video, ok := p.videoOf(ctx, name, segments[middle].Span); {
		case video == newest:
			to = middle
		case ok || ctx.Err() == nil: // or the codec changes within it
			from = middle
		default:
			return 0
		}
	}
	return to
}

// videoOf gives the video codec of a segment.
func (p *Publisher) videoOf(ctx context.Context, name archive.StreamName, span archive.Span) (video string, ok bool) {
	known := p.stream(name).codings
	if c, ok := known.at(span.Start); ok {
		return c.Video, true
	}
	c, err := p.library.Clip(ctx, name, span)
	if err != nil {
		return "", false
	}
	file, err := c.Open(ctx)
	if err != nil {
		return "", false
	}
	defer func() { _ = file.Close() }()
	movie, err := file.Movie(ctx)
	if err != nil {
		return "", false
	}
	coding, _, err := segment.CodingOf(movie, segment.Frames{})
	if err != nil {
		return "", false
	}
	known.note(span, coding)
	return coding.Video, true
}
