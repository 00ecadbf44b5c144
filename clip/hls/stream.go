package hls

import (
	"context"
	"sync"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/recent"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// maxSegments is how many segments of a stream are remembered.
	maxSegments = 512
	// staysFor is how long a segment that was looked up and is not open keeps its source.
	staysFor = 30 * time.Second
)

// stream gives the segments of a stream. It is safe for concurrent use.
type stream struct {
	*chooser
	live live

	// looked guards segments, which are those that were looked up last.
	looked   sync.Mutex
	segments *simplelru.LRU[segmentKey, lookup]
}

// segmentKey tells segments apart: by their fragments, and where they stand.
type segmentKey struct {
	clip     string
	span     archive.Span
	position time.Duration
}

// lookup is that of a segment.
type lookup struct {
	*Segment
	at time.Time
}

// newStream remembers nothing yet.
func newStream(part time.Duration, find func(context.Context, archive.Span) (*clip.Clip, error)) *stream {
	return &stream{chooser: &chooser{history: newHistory(), part: part, find: find}, segments: recent.List[segmentKey, lookup](maxSegments)}
}

// segment gives the segment of a clip at a position of a playlist.
func (s *stream) segment(ctx context.Context, own *clip.Clip, position time.Duration) (*Segment, error) {
	key := segmentKey{own.Key(), own.Span(), position}
	now := time.Now()
	if g := s.lately(key, now); g != nil {
		return g, nil
	}
	src, err := s.choose(ctx, own, position, now)
	if err != nil {
		return nil, err
	}
	return s.remember(key, newSegment(s.history, own, src, position), now), nil
}

// lately gives a segment that is open, or was looked up lately.
func (s *stream) lately(key segmentKey, now time.Time) *Segment {
	s.looked.Lock()
	defer s.looked.Unlock()
	g, ok := s.segments.Get(key)
	if !ok || s.isLost(g.source) || !s.isOpen(g.source) && now.Sub(g.at) > staysFor {
		return nil
	}
	s.segments.Add(key, lookup{g.Segment, now})
	return g.Segment
}

// remember keeps a segment that was made, unless there is an equal one, and gives the one that is kept.
func (s *stream) remember(key segmentKey, g *Segment, now time.Time) *Segment {
	s.looked.Lock()
	defer s.looked.Unlock()
	if had, ok := s.segments.Get(key); ok && had.version == g.version && !s.isLost(had.source) {
		g = had.Segment
	}
	s.segments.Add(key, lookup{g, now})
	return g
}
