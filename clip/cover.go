package clip

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/plan"
	"clipfs/clip/timeline"
)

// Cover gives the clip of a span that also has the fragment which was running at its start, whole, so that the asked
// instant is in it wherever it was recorded. Nothing is added where a fragment starts at that instant, where none was
// running, and where retention begins later. Where fragments overlap, what starts between the one that was running and
// the span is in it too, as a call gives all that starts between two times. Cover clips of neighbouring spans overlap;
// they do not tile.
//
// The clip's Span is the one asked for, and that is what may be MaxSpan long. It costs what Clip costs, as
// what came just before is listed with the rest. Where fragments may not be listed nobody knows what was
// running, and it is the plain clip.
func (l *Library) Cover(ctx context.Context, name archive.StreamName, span archive.Span) (*Clip, error) {
	v, err := l.View(ctx, name, span.End)
	if err != nil {
		return nil, err
	}
	if span.Empty() || span.Length() > archive.MaxSpan || !v.Window.Contains(span.Start) {
		return l.Clip(ctx, name, span) // which tells what is wrong, or begins with the window
	}
	around := archive.Span{Start: span.Start.Add(-plan.MaxRunning - l.options.Gap), End: span.Start.Add(l.options.Gap + archive.Grain)}
	if span.End.After(around.End) {
		around.End = span.End
	}
	list := func(ctx context.Context) (timeline.Listing, error) {
		return l.listCover(ctx, v, span.Start, around, span.End)
	}
	u := lookUp{stream: name, span: span, cover: true}
	if f, validUntil, ok := l.again(v, u); ok {
		return l.clipFrom(v.Stream, u, f, validUntil, list), nil
	}
	listed, err := list(ctx)
	if errors.Is(err, archive.ErrNotListable) {
		return l.unlistedClip(v.Stream, span, span.Intersect(v.Window))
	}
	if err != nil {
		return nil, err
	}
	if len(listed.Fragments) == 0 {
		return nil, fmt.Errorf("stream %s, %s: %w", name, span, archive.ErrNoFootage)
	}
	return l.clipOf(v.Stream, u, around, listed, list), nil
}

// listCover gives the fragments of a cover clip from start to end; around is what to look at for what was running.
func (l *Library) listCover(ctx context.Context, v timeline.View, start time.Time, around archive.Span, end time.Time) (timeline.Listing, error) {
	listed, err := l.List(ctx, v, around)
	if err != nil {
		return timeline.Listing{}, err
	}
	to := listed.Rule.By.Before(listed.Fragments, end)
	listed.Fragments = listed.Fragments[plan.Running(listed.Rule, listed.Fragments, start):to:to]
	return listed, nil
}
