package hls

import (
	"context"
	"slices"
	"sort"
	"sync"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/recent"
	"clipfs/clip/segment"

	lru "github.com/hashicorp/golang-lru/v2"
)

const (
	// maxStretches bounds how much is remembered of how a stream is coded: a day of changes each ten seconds.
	maxStretches = 10_000
	// seam is how far apart two stretches may be that are taken for one.
	seam = archive.DefaultGap
	// depth is how many stretches are looked through that may be within another one.
	depth = 8
)

// codings is how a stream is coded, as far as heads have told. It is safe for concurrent use.
type codings struct {
	// read has the keys of the parts whose heads were read.
	read *lru.Cache[string, struct{}]

	// mu guards all, which is in the order of starts.
	mu  sync.Mutex
	all []stretch
}

// stretch is a span of one coding.
type stretch struct {
	archive.Span
	coding segment.Coding
}

// newCodings knows nothing yet.
func newCodings() *codings { return &codings{read: recent.Cache[string, struct{}](maxStretches)} }

// note remembers how a span is coded.
func (c *codings) note(span archive.Span, coding segment.Coding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := sort.Search(len(c.all), func(i int) bool { return c.all[i].Start.After(span.Start) })
	if i > 0 {
		before := &c.all[i-1]
		if before.coding == coding && !span.Start.After(before.End.Add(seam)) {
			if span.End.After(before.End) {
				before.End = span.End
			}
			return
		}
		if before.Start.Equal(span.Start) && !span.End.Before(before.End) {
			*before = stretch{span, coding}
			return
		}
	}
	if len(c.all) >= maxStretches {
		c.all = slices.Delete(c.all, 0, len(c.all)/2)
		i = sort.Search(len(c.all), func(i int) bool { return c.all[i].Start.After(span.Start) })
	}
	c.all = slices.Insert(c.all, i, stretch{span, coding})
}

// learn reads those heads of a clip's parts that are on disk and were not read yet.
func (c *codings) learn(ctx context.Context, of *clip.Clip) error {
	parts, err := of.KnownParts(ctx)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if _, ok := c.read.Get(p.Key); ok {
			continue
		}
		movie, err := p.Movie()
		if err != nil {
			continue // it is asked for again when something of it is played
		}
		if coding, _, err := segment.CodingOf(movie, segment.Frames{}); err == nil {
			c.note(p.Span, coding)
		}
		c.read.Add(p.Key, struct{}{})
	}
	return nil
}

// at gives how footage of a time is coded, as far as is known.
func (c *codings) at(t time.Time) (segment.Coding, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := sort.Search(len(c.all), func(i int) bool { return c.all[i].Start.After(t) })
	for k := i - 1; k >= max(0, i-depth); k-- {
		if c.all[k].Contains(t) {
			return c.all[k].coding, true
		}
	}
	return segment.Coding{}, false
}
