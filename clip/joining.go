package clip

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"weak"

	"clipfs/clip/archive"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
	"clipfs/clip/resolve"
	"clipfs/clip/told"
)

// layOut joins the resolved parts of a clip.
func (c *Clip) layOut(ctx context.Context, parts []resolve.Resolved) (*layout, error) {
	l := c.library
	by := l.options.Selector
	first := parts[0].Begins(by)
	inputs := make([]join.Part, len(parts))
	for i, p := range parts {
		inputs[i] = join.Part{
			Head:       weakly(func(ctx context.Context) (*mp4.Movie, error) { return l.downloads.Movie(ctx, p.Payload) }),
			MediaStart: p.Head.MediaStart, MediaEnd: p.Head.Size, // there can be more than one mdat
			Start:     p.Begins(by).Sub(first),
			GapBefore: p.Part.GapBefore,
		}
		inputs[i].Fragments = p.Part.Listed(by)
	}
	o := join.Options{Created: first}
	if l.options.Gaps == KeepGaps {
		o.Gaps = join.KeepGaps
	}
	joined, err := join.Make(ctx, inputs, o)
	if err != nil {
		return nil, c.unjoinable(ctx, inputs, parts, err)
	}
	c.remarkLeftOut(joined.LeftOut(), parts)
	return c.newLayout(joined, parts), nil
}

// weakly gives what was read before for as long as the collector leaves it: each table of a joined head takes a pass over the heads of all parts, and
// to read and parse one costs more than to write what comes of it.
func weakly(read func(context.Context) (*mp4.Movie, error)) func(context.Context) (*mp4.Movie, error) {
	var kept atomic.Value // weak.Pointer[mp4.Movie]
	return func(ctx context.Context) (*mp4.Movie, error) {
		before, _ := kept.Load().(weak.Pointer[mp4.Movie])
		if m := before.Value(); m != nil {
			return m, nil
		}
		m, err := read(ctx)
		if err == nil {
			kept.Store(weak.Make(m))
		}
		return m, err
	}
}

// newLayout makes the map of a joined file.
func (c *Clip) newLayout(joined *join.File, parts []resolve.Resolved) *layout {
	out := &layout{joined: joined, size: joined.Size(), headSize: joined.HeadSize(), parts: make([]layoutPart, len(parts))}
	served := make([]resolve.Part, len(parts))
	for i, p := range parts {
		out.parts[i] = layoutPart{payload: p.Payload, tables: p.Head.Tables, start: -1}
		p.Part.Key = p.Payload.Key
		served[i] = p.Part
	}
	for s := range joined.Segments() {
		own := segment{offset: s.Offset, length: s.Length, part: s.Part, bytes: s.Bytes}
		if s.Part >= 0 {
			p := &out.parts[s.Part]
			own.at = s.PayloadOffset - parts[s.Part].Head.MediaStart
			if p.start < 0 {
				p.start = s.Offset
			}
			p.end = s.Offset + s.Length
		}
		out.segments = append(out.segments, own)
	}
	if out.key = c.key; c.mayList() {
		out.key = c.library.clipKey(served)
	}
	out.nameFor(c.library.joining(), served)
	return out
}

// unjoinable explains why parts cannot be in one file, and which spans can be had. Everything that is wrong with
// payloads is an ErrMedia, but for tables that are too large.
func (c *Clip) unjoinable(ctx context.Context, inputs []join.Part, parts []resolve.Resolved, cause error) error {
	var wrong *join.PartError
	if !errors.As(cause, &wrong) {
		return fmt.Errorf("join %d parts: %w: %w", len(parts), joinKind(cause), cause)
	}
	if joinKind(wrong.Err) == nil {
		return wrong.Err // the head could not be had
	}
	by := c.library.options.Selector
	startOf := func(i int) time.Time { return parts[i].Begins(by) }
	var spans string
	for begin := 0; begin < len(parts); {
		end := begin + joinsUpTo(ctx, inputs[begin:])
		if end == begin { // nothing can be made of this one
			begin++
			continue
		}
		span := archive.Span{Start: startOf(begin), End: c.span.End}
		if end < len(parts) {
			span.End = startOf(end)
		}
		spans += " " + span.String()
		begin = end
	}
	return fmt.Errorf("from %s on: %w: %w; what can be had:%s", told.Clock(startOf(wrong.Part)), joinKind(wrong.Err), wrong.Err, spans)
}
