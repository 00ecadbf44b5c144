package clip

import (
	"context"
	"fmt"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/resolve"
	"clipfs/clip/unlisted"
)

// How the clip is looked up and opened of a stream whose fragments may not be listed: package unlisted brings what there is.

// retentionGrid is the grid on which a clip begins that retention cuts, so that it is the same clip for a while.
const retentionGrid = 10 * time.Second

// unlistedClip gives the clip of a span whose fragments may not be listed; visible is what of the span can have footage. It
// costs no call, so that a clip without footage is known to have none only when it is opened.
func (l *Library) unlistedClip(stream archive.Stream, span, visible archive.Span) (*Clip, error) {
	if visible.Start.After(span.Start) {
		start := visible.Start.Add(retentionGrid - archive.Grain).Truncate(retentionGrid)
		visible = visible.Intersect(archive.Span{Start: start, End: visible.End})
	}
	c := &Clip{library: l, stream: stream, span: span, unlisted: visible, asked: time.Now()}
	if visible.Empty() {
		return nil, c.noFootage()
	}
	pieces := l.minutes.Pieces(c.footage())
	c.calls = len(pieces)
	c.expires = c.asked.Add(l.options.MetadataTTL)
	if round := pieces[len(pieces)-1].Round; !round.IsZero() {
		c.expires = round.Add(l.options.MetadataTTL)
	}
	c.key = pieces[0].Key
	if len(pieces) > 1 {
		words := []string{l.joining()}
		for i := range pieces {
			words = append(words, string(pieces[i].Key))
		}
		c.key = resolve.HashKey("v", words...)
	}
	c.version = l.identities.Current(c.key)
	return c, nil
}

// footage is what the clip asks for.
func (c *Clip) footage() unlisted.Footage {
	return unlisted.Footage{Stream: c.stream, Span: c.unlisted, End: c.span.End, Asked: c.asked}
}

// noFootage says that none of the clip's calls brought anything.
func (c *Clip) noFootage() error {
	return fmt.Errorf("stream %s, %s: %w", c.stream.Name, c.span, archive.ErrNoFootage)
}

// layOutMinutes gets the heads of all minutes and joins those that have footage: what makeLayout is to a clip that is listed.
func (c *Clip) layOutMinutes(ctx context.Context, progress func()) (*layout, error) {
	l := c.library
	begun := time.Now()
	pieces := l.minutes.Pieces(c.footage())
	unknown := 0
	for _, p := range pieces {
		if !l.resolver.HeadKnown(p.Key) {
			unknown++
		}
	}
	c.remark(fmt.Sprintf("made without kinesisvideo:ListFragments: up to %d GetClip calls, and positions are good to one fragment where recording goes on",
		len(pieces)))
	if unknown > 0 {
		l.options.Logger.Info("opening without kinesisvideo:ListFragments", "stream", c.stream.Name, "span", c.span, "GetClip calls at most", unknown)
	}
	defer l.downloads.Watch(progress)()
	parts, err := l.minutes.Resolve(ctx, c.stream, pieces, l.opened.Add(1), progress)
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, c.noFootage()
	}
	made, err := c.layOut(ctx, parts)
	if err != nil {
		return nil, err
	}
	c.tellJoined(made, begun)
	return made, nil
}
