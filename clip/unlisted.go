package clip

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"clipfs/cache"
	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/plan"
	"clipfs/clip/resolve"
	"clipfs/clip/timeline"
)

// Clips of streams whose fragments may not be listed:
//
// Nobody says what is recorded, so each call asks for one minute of the clock, cut by the ends of the span; a span of up to a
// minute is one call. A minute that has nothing is a gap. A payload that may have been cut is asked for in halves
// (unlistedparts.go). What the calls bring is joined as the parts of any clip. What a minute of the past brought, and that it
// had nothing, is kept on disk with the heads, so that opening again costs no call; minutes at the live edge are asked for
// again once MetadataTTL has passed.

// unlistedMinute is how much one call asks for.
const unlistedMinute = time.Minute

// retentionGrid is the grid on which a clip begins that retention cuts, so that it is the same clip for a while.
const retentionGrid = 10 * time.Second

// piece is what one call asks for where fragments may not be listed.
type piece struct {
	span archive.Span
	key  cache.Key
	// round is when a piece at the live edge was last asked for anew; the zero time for one of the past.
	round time.Time
}

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
	pieces := c.pieces()
	c.calls = len(pieces)
	c.expires = c.asked.Add(l.options.MetadataTTL)
	if round := pieces[len(pieces)-1].round; !round.IsZero() {
		c.expires = round.Add(l.options.MetadataTTL)
	}
	c.key = pieces[0].key
	if len(pieces) > 1 {
		words := []string{l.joining()}
		for i := range pieces {
			words = append(words, string(pieces[i].key))
		}
		c.key = resolve.HashKey("v", words...)
	}
	c.version = l.identities.Current(c.key)
	return c, nil
}

// pieces gives what the clip's calls ask for. It has one at least.
func (c *Clip) pieces() []piece {
	if c.unlisted.Length() <= unlistedMinute {
		return []piece{c.piece(c.unlisted, c.span.End)}
	}
	var pieces []piece
	for at := c.unlisted.Start; at.Before(c.unlisted.End); {
		end := at.Truncate(unlistedMinute).Add(unlistedMinute)
		if end.Sub(at) <= archive.Grain { // no call can ask for a millisecond alone (API reference, ClipTimestampRange)
			end = end.Add(unlistedMinute)
		}
		if !c.unlisted.End.After(end.Add(archive.Grain)) {
			end = c.unlisted.End
		}
		pieces = append(pieces, c.piece(archive.Span{Start: at, End: end}, c.span.End))
		at = end
	}
	return pieces
}

// piece gives a piece of the clip. Where it ends now, at the live edge, does not change what it is called: end is where the
// clip does.
func (c *Clip) piece(span archive.Span, end time.Time) piece {
	p := piece{span: span}
	if span.End.Add(timeline.EdgeAge).After(c.asked) {
		p.round = c.asked.Truncate(c.library.options.MetadataTTL)
	}
	if next := span.Start.Truncate(unlistedMinute).Add(2 * unlistedMinute); end.After(next) {
		end = next
	}
	if p.round.IsZero() {
		end = span.End
	}
	return c.named(p, end)
}

// named gives a piece its key, which knows the stream by all that tells it from another of its name.
func (c *Clip) named(p piece, end time.Time) piece {
	words := []string{
		string(c.stream.Name), c.stream.ARN, c.library.options.Selector.String(),
		strconv.FormatInt(c.stream.Created.UnixMilli(), 10), archive.Span{Start: p.span.Start, End: end}.String(),
	}
	if !p.round.IsZero() {
		words = append(words, p.round.UTC().String())
	}
	p.key = resolve.HashKey("u", words...)
	return p
}

// halves cuts a piece in two.
func (c *Clip) halves(p piece) [2]piece {
	middle := p.span.Start.Add(p.span.Length() / 2).Truncate(archive.Grain)
	first, second := p, p
	first.span.End, second.span.Start = middle, middle
	return [2]piece{c.named(first, middle), c.named(second, p.span.End)}
}

// payloadOf tells which call brings a piece.
func (c *Clip) payloadOf(p piece, opening uint64) download.Payload {
	return download.Payload{
		Key: p.key, Stream: c.stream, Start: p.span.Start, End: p.span.End, Expires: resolve.Expiry(p.span.Start, c.stream), Opening: opening,
		Query: archive.PayloadQuery{
			Stream: c.stream.Name, Selector: c.library.options.Selector, Span: p.span,
			Likely: c.library.likely(c.stream.Name, p.span.Length()),
		},
	}
}

// noFootage says that none of the clip's calls brought anything.
func (c *Clip) noFootage() error {
	return fmt.Errorf("stream %s, %s: %w", c.stream.Name, c.span, archive.ErrNoFootage)
}

// unlistedMissing tells how many bytes reading all of the clip would fetch, without a call: of what was never asked for, the
// most that calls can bring.
func (c *Clip) unlistedMissing(ctx context.Context) (total int64) {
	for _, p := range c.pieces() {
		total += c.pieceMissing(ctx, p)
	}
	return total
}

// pieceMissing is unlistedMissing of a piece.
func (c *Clip) pieceMissing(ctx context.Context, p piece) int64 {
	if c.library.cache.Has(p.key) {
		return 0
	}
	got, ok := c.library.downloads.StoredHead(ctx, p.key)
	switch {
	case !ok:
		return unlistedEstimate
	case got.Split == splitEmpty:
		return 0
	case got.Split == splitHalved:
		halves := c.halves(p)
		return c.pieceMissing(ctx, halves[0]) + c.pieceMissing(ctx, halves[1])
	}
	return got.Size
}

// likely guesses how many fragments a call for a length brings.
func (l *Library) likely(stream archive.StreamName, length time.Duration) int {
	return min(plan.MaxFragments, l.Likely(stream, length))
}
