package clip

import (
	"context"
	"errors"
	"fmt"
	"time"
	"weak"

	"clipfs/clip/archive"
	"clipfs/clip/timeline"
)

// Clip gives the clip of a span as the archive has it now: one immutable version. It costs ListFragments calls at
// most, never media. ErrNoFootage if no fragment starts in the span.
func (l *Library) Clip(ctx context.Context, name archive.StreamName, span archive.Span) (*Clip, error) {
	if span.Empty() || span.Length() > archive.MaxSpan {
		return nil, fmt.Errorf("span %s: %w", span, archive.ErrName)
	}
	v, err := l.View(ctx, name, span.End)
	if err != nil {
		return nil, err
	}
	visible := span.Intersect(v.Window)
	if visible.Empty() {
		return nil, fmt.Errorf("stream %s, %s is outside of what is kept: %w", name, span, archive.ErrNoFootage)
	}
	list := func(ctx context.Context) (timeline.Listing, error) { return l.List(ctx, v, visible) }
	listed, err := list(ctx)
	if errors.Is(err, archive.ErrNotListable) {
		return l.unlistedClip(v.Stream, span, visible)
	}
	if err != nil {
		return nil, err
	}
	if len(listed.Fragments) == 0 {
		return nil, fmt.Errorf("stream %s, %s: %w", name, span, archive.ErrNoFootage)
	}
	return l.clipOf(v.Stream, span, listed, list), nil
}

// clipOf gives the clip that has certain fragments, which are at least one; again lists them anew.
func (l *Library) clipOf(stream archive.Stream, span archive.Span, listed timeline.Listing, again func(context.Context) (timeline.Listing, error)) *Clip {
	d := l.detailOf(stream, listed, span.Length())
	parts, _ := l.served(context.Background(), stream, d)
	c := &Clip{
		library: l, stream: stream, span: span, expires: listed.ValidUntil,
		details:   details{again: again, last: weak.Make(d)},
		fragments: len(d.fragments), calls: len(parts), first: d.fragments[0].Time(l.options.Selector),
		planned: l.clipKey(d.parts),
	}
	if c.key = c.planned; len(parts) > 0 {
		c.key = l.clipKey(parts)
	}
	for _, f := range d.fragments {
		c.media += f.Size
	}
	if span.End.Add(timeline.EdgeAge).After(time.Now()) {
		c.details.kept = d
	}
	c.version = l.identities.Current(c.key)
	return c
}
