package clip

import (
	"context"
	"errors"
	"fmt"

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
	u := lookUp{stream: name, span: span}
	list := func(ctx context.Context) (timeline.Listing, error) { return l.List(ctx, v, visible) }
	if visible == span {
		if f, validUntil, ok := l.again(v, u); ok {
			return l.clipFrom(v.Stream, u, f, validUntil, list), nil
		}
	}
	sections, whole, err := l.Sections(ctx, v, visible)
	if errors.Is(err, archive.ErrNotListable) {
		return l.unlistedClip(v.Stream, span, visible)
	}
	if err != nil {
		return nil, err
	}
	if visible == span {
		if f, ok := l.glance(v.Stream, span, sections, whole); ok {
			l.looked.Add(u, f)
			return l.clipFrom(v.Stream, u, f, whole.ValidUntil, list), nil
		}
	}
	count := 0
	for _, s := range sections {
		count += s.Len()
	}
	defer l.room.Enter(ctx, count)()
	found := l.Join(visible, sections, whole)
	if len(found.Fragments) == 0 {
		return nil, fmt.Errorf("stream %s, %s: %w", name, span, archive.ErrNoFootage)
	}
	return l.clipOf(v.Stream, u, visible, found, list), nil
}
