package clip

import (
	"context"
	"fmt"

	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/mp4"
	"clipfs/clip/plan"
	"clipfs/clip/tier"
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

// SharedPart is a part of a clip whose payload hosts may share.
type SharedPart struct {
	ID tier.ID
	// Bytes is how much the archive stores of it.
	Bytes int64
	// Fetch has all of the payload fetched, with the priority of what nothing waits for yet, and it and its head offered to the Tier.
	Fetch func(context.Context) error
}

// SharedParts gives the parts of the clip whose payloads may be shared, and how many parts it has whose may not: those without a listing
// that tells just what they have.
func (c *Clip) SharedParts(ctx context.Context) (shared []SharedPart, private int, err error) {
	if !c.mayList() {
		return nil, c.calls, nil
	}
	d, err := c.detail(ctx)
	if err != nil {
		return nil, 0, err
	}
	parts, lost := c.library.served(c.asks(ctx), c.stream, d)
	private = len(lost)
	for _, p := range parts {
		payload := p.Payload(c.stream, c.library.options.Selector)
		if !payload.Shared {
			private++
			continue
		}
		shared = append(shared, SharedPart{tier.ID{Stream: c.stream, Key: payload.Key}, payload.Bytes, func(ctx context.Context) error { return c.fetchAll(ctx, payload) }})
	}
	return shared, private, nil
}

// fetchAll has all of a payload fetched, and its head.
func (c *Clip) fetchAll(ctx context.Context, p download.Payload) error {
	r, err := c.library.downloads.Hold(ctx, p, download.Want{Priority: archive.ForAhead, By: c.reader(ctx)})
	if err != nil {
		return err
	}
	defer r.Close()
	select {
	case <-r.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := r.Err(); err != nil {
		return err
	}
	_, err = c.library.downloads.Head(c.asks(ctx), p)
	return err
}
