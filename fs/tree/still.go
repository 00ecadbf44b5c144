package tree

import (
	"context"
	"strconv"
	"time"

	"clipfs/clip/still"
)

// picture is what a stream showed at an instant.
type picture struct{ *still.Still }

func (p picture) stored() int64 {
	n, _ := p.Size()
	return n
}

func (p picture) open(ctx context.Context) (Reader, error) { return readerOf(p.Open(ctx)) }

// still is where the picture of an instant is. It is never listed.
func (s *streamDir) still(at string, instant time.Time) Place {
	return Place{Path: at, find: func(ctx context.Context) (Entry, error) {
		found, err := s.stills.Find(ctx, s.name, instant)
		if err != nil {
			return nil, err
		}
		return &File{
			Info:    Info{Path: at, Time: instant, ValidUntil: found.Expires(), attributes: func() []Attribute { return stillAttributes(found) }},
			Version: found.Key(), ContentType: "image/jpeg", content: picture{found}, measured: found.Measure,
		}, nil
	}}
}

// stillAttributes are those of a still. None costs a call.
func stillAttributes(s *still.Still) []Attribute {
	size := "estimate"
	if _, exact := s.Size(); exact {
		size = "exact"
	}
	all := []Attribute{fixed("stream", string(s.Stream())), fixed("start", formatTime(s.At())), fixed("size", size)}
	if first, ok := s.First(); ok {
		all = append(all, fixed("first", formatTime(first)))
	}
	if err := s.Err(); err != nil {
		all = append(all, fixed("error", message(err)))
	}
	return append(all, fixed("missing", strconv.FormatInt(s.Missing(), 10)))
}
