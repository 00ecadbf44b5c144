package hls

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"
	"weak"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/playlist"
	"clipfs/clip/recent"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Options are the settings of a Publisher. The zero value works.
type Options struct {
	// Logger takes what is worth telling; nil discards it.
	Logger *slog.Logger
	// Segment is about how long segments are; 0 means playlist.DefaultSegment.
	Segment time.Duration
}

const (
	// maxTexts is how many playlists are remembered, of up to 2 MB each, until memory is collected: a player opens one right after its look-up, and a listing
	// opens none.
	maxTexts = 4
	// maxTold bounds what is remembered of what was logged.
	maxTold = 1024
)

// Publisher gives playlists and segments. It is safe for concurrent use.
type Publisher struct {
	library *clip.Library
	options Options
	// texts are those of the playlists made last, by their versions, where they are still in memory; told has what was logged of them.
	texts *lru.Cache[string, weak.Pointer[[]byte]]
	told  *lru.Cache[string, struct{}]

	// mu guards streams.
	mu      sync.Mutex
	streams map[archive.StreamName]*stream
}

// New publishes the clips of a library.
func New(library *clip.Library, o Options) *Publisher {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Segment = cmp.Or(o.Segment, playlist.DefaultSegment)
	return &Publisher{
		library: library, options: o, streams: make(map[archive.StreamName]*stream), texts: recent.Cache[string, weak.Pointer[[]byte]](maxTexts), told: recent.Cache[string, struct{}](maxTold),
	}
}

// stream gives what is remembered of a stream.
func (p *Publisher) stream(name archive.StreamName) *stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.streams[name]
	if s == nil {
		s = newStream(p.library.Part(), func(ctx context.Context, span archive.Span) (*clip.Clip, error) {
			return p.library.Clip(ctx, name, span)
		})
		p.streams[name] = s
	}
	return s
}

// Segment gives the segment of the frames of a clip that stands at a position of a playlist. It costs a listing at most.
func (p *Publisher) Segment(ctx context.Context, own *clip.Clip, position time.Duration) (*Segment, error) {
	return p.stream(own.Stream()).segment(ctx, own, position)
}
