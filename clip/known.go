package clip

import (
	"context"
	"fmt"

	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/mp4"
	"clipfs/clip/plan"
)

// Calls is how many GetClip calls bring the clip, as far as is known without one.
func (c *Clip) Calls() int { return c.calls }

// Ahead has all of a clip fetched that one call brings, with the priority of what nothing waits for yet, until release is called.
// done is closed once all is there, or cannot be had. ErrMedia for a clip of many parts.
func (c *Clip) Ahead(ctx context.Context) (done <-chan struct{}, release func(), err error) {
	d, err := c.detail(ctx)
	if err != nil {
		return nil, nil, err
	}
	parts, _ := c.library.served(c.asks(ctx), c.stream, d)
	if len(parts) != 1 {
		return nil, nil, fmt.Errorf("%s %s is of %d parts: %w", c.stream.Name, c.span, len(parts), archive.ErrMedia)
	}
	r, err := c.library.downloads.Hold(ctx, parts[0].Payload(c.stream, c.library.options.Selector), download.Want{Priority: archive.ForAhead, By: c.reader(ctx)})
	if err != nil {
		return nil, nil, err
	}
	return r.Done(), r.Close, nil
}

// KnownPart is a part of a clip whose head is on disk.
type KnownPart struct {
	// Key tells its payload from all others.
	Key string
	// Span has the starts of its fragments.
	Span archive.Span
	// Movie reads the head.
	Movie func() (*mp4.Movie, error)
}

// KnownParts gives the parts of the clip whose heads are on disk. It makes no call but to list again of which fragments the clip is.
func (c *Clip) KnownParts(ctx context.Context) ([]KnownPart, error) {
	d, err := c.detail(ctx)
	if err != nil {
		return nil, err
	}
	var known []KnownPart
	parts, _ := c.library.served(ctx, c.stream, d)
	for i := range parts {
		p := &parts[i]
		if !c.library.downloads.HeadKnown(p.Key) {
			continue
		}
		known = append(known, KnownPart{string(p.Key), plan.SpanOf(p.Fragments, d.rule.By), func() (*mp4.Movie, error) {
			head, ok := c.library.downloads.StoredHead(ctx, p.Key)
			if !ok {
				return nil, archive.ErrNoFootage
			}
			return mp4.ParseMovie(head.Moov)
		}})
	}
	return known, nil
}
