package tree

import (
	"context"
	"path"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/timeline"
)

const (
	// latestName is the name of the link to the minute of the newest footage.
	latestName = "latest"
	// edgeValid is how long what depends on the newest footage is valid.
	edgeValid = time.Second
)

// streamDir is the directory of one stream.
type streamDir struct {
	*source
	name archive.StreamName
	time time.Time
}

// newStream is for a stream that was found just now.
func newStream(s *source, name archive.StreamName, created time.Time) *Dir {
	return &Dir{
		Info: Info{
			Path: string(name), Time: created, ValidUntil: time.Now().Add(s.library.MetadataTTL()),
			attributes: func() []Attribute { return s.streamAttributes(name) },
		},
		names: &streamDir{source: s, name: name, time: created},
	}
}

// lookup finds latest, last, live.m3u8, any start, and the picture of any instant.
func (s *streamDir) lookup(name string) (Place, error) {
	at := path.Join(string(s.name), name)
	switch name {
	case latestName:
		return Place{Path: at, find: s.latest}, nil
	case liveName:
		return Place{Path: at, find: s.live}, nil
	case lastName:
		return known(&Dir{Info: Info{Path: at, Time: s.time}, names: &lastDir{source: s.source, stream: s.name}}), nil
	}
	if instant, err := s.grammar.ParseStill(name); err == nil && s.stills != nil {
		return s.still(at, instant), nil
	}
	start, err := s.grammar.ParseStart(name)
	if err != nil {
		return Place{}, s.noName(name, at, s.grammar.ExplainStart(name), err)
	}
	return known(newStart(s.source, s.name, at, start)), nil
}

// latest is the link to the minute of the newest footage.
func (s *streamDir) latest(ctx context.Context) (Entry, error) {
	newest, err := s.library.Latest(ctx, s.name)
	if err != nil {
		return nil, err
	}
	return &Link{
		Info:   Info{Path: path.Join(string(s.name), latestName), Time: newest, ValidUntil: time.Now().Add(edgeValid)},
		Target: s.grammar.FormatStart(newest, archive.Minute),
	}, nil
}

// list has the days with footage, and what leads to the newest. A stream without any lists nothing.
func (s *streamDir) list(ctx context.Context) ([]Item, error) {
	days, err := s.library.Days(ctx, s.name)
	if err != nil || len(days) == 0 {
		return orNothing(nil, err)
	}
	items := s.startItems(days)
	if !s.library.Listed().Default() { // the newest is in the days too, and a walk of what was chosen meets nothing twice
		return items, nil
	}
	if _, err := s.library.Latest(ctx, s.name); err != nil {
		return orNothing(items, err)
	}
	return append(items, Item{lastName, IsDir}, Item{latestName, IsLink}), nil
}

// streamAttributes are when the first and the last fragment start, which costs the search for them. Adding up all that
// the stream has recorded would list all of it.
func (s *source) streamAttributes(name archive.StreamName) []Attribute {
	return append(edges(func(ctx context.Context) (f timeline.Footage, err error) {
		if f.First, err = s.library.First(ctx, name); err != nil {
			return f, err
		}
		f.Last, err = s.library.Latest(ctx, name)
		return f, err
	}), s.listingError(name))
}
