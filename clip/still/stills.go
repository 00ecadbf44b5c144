package still

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"clipfs/clip/archive"
)

// Stills are the pictures of an archive's streams. They are safe for concurrent use.
type Stills struct{ *source }

// New gives stills. It makes no call.
func New(o Options) *Stills {
	return &Stills{&source{options: o, collector: newCollector(o)}}
}

// Find gives the still of a stream at an instant, as far as is known of what was recorded. It costs ListFragments calls at most.
// ErrNoFootage if nothing was recorded at the instant.
func (s *Stills) Find(ctx context.Context, name archive.StreamName, at time.Time) (*Still, error) {
	at = at.UTC().Truncate(archive.Grain)
	v, err := s.options.Footage.View(ctx, name, at.Add(archive.Grain))
	if err != nil {
		return nil, err
	}
	if !v.Window.Contains(at) {
		return nil, fmt.Errorf("stream %s, %s is outside of what is kept: %w", name, formatTime(at), archive.ErrNoFootage)
	}
	listed, err := s.options.Footage.List(ctx, v, around(at, s.options.Gap))
	if errors.Is(err, archive.ErrNotListable) {
		return s.unlisted(v.Stream, at), nil
	}
	if err != nil {
		return nil, err
	}
	f, ok := running(listed.Rule, listed.Fragments, at)
	if !ok {
		return nil, fmt.Errorf("stream %s, %s: nothing was recorded then: %w", name, formatTime(at), archive.ErrNoFootage)
	}
	still := &Still{
		source: s.source, stream: v.Stream, at: at, begin: f.Time(s.options.Selector), validUntil: listed.ValidUntil,
		expires: f.Server.Add(v.Stream.Retention),
	}
	return still.named(string(f.ID), strconv.FormatInt(at.Sub(still.begin).Milliseconds(), 10)), nil
}

// unlisted is the still of a stream whose fragments may not be listed: that there is none is known when it is opened.
func (s *Stills) unlisted(stream archive.Stream, at time.Time) *Still {
	still := &Still{
		source: s.source, stream: stream, at: at, validUntil: time.Now().Add(s.options.TTL), expires: at.Add(stream.Retention),
	}
	return still.named("unlisted", stream.ARN, strconv.FormatInt(stream.Created.UnixMilli(), 10), formatTime(at))
}
