package clip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/mp4"
	"clipfs/clip/parallel"
	"clipfs/clip/plan"
	"clipfs/clip/resolve"
)

const (
	// leastPiece is the longest piece that is not asked for in halves.
	leastPiece = time.Second
	// untilKnown is how many pieces are asked for at once, at most, before a payload has told where heads stand.
	untilKnown = 8
)

// What a record of a head says in split of a piece, which is not cut by fragments.
const (
	splitHalved = 1
	splitEmpty  = -1
)

// unlistedPart is a piece that one call brings, and what its payload tells of time.
type unlistedPart struct {
	resolve.Resolved
	span archive.Span
	// lasts is how long the pictures of the payload last, longest the longest time between two key frames.
	lasts, longest time.Duration
	keyFrames      int
}

// unlistedOpen is what all calls of one opening share.
type unlistedOpen struct {
	opening uint64
	// bytes counts those of payloads whose heads come last.
	bytes atomic.Int64
}

// layOutMinutes gets the heads of all minutes and joins those that have footage: what makeLayout is to a clip that is listed.
func (c *Clip) layOutMinutes(ctx context.Context, progress func()) (*layout, error) {
	l := c.library
	begun := time.Now()
	pieces := c.pieces()
	unknown := 0
	for _, p := range pieces {
		if !l.resolver.HeadKnown(p.key) {
			unknown++
		}
	}
	c.remark(fmt.Sprintf("made without kinesisvideo:ListFragments: up to %d GetClip calls, and positions are good to one fragment where recording goes on",
		len(pieces)))
	if unknown > 0 {
		l.options.Logger.Info("opening without kinesisvideo:ListFragments", "stream", c.stream.Name, "span", c.span, "GetClip calls at most", unknown)
	}
	defer l.downloads.Watch(progress)()
	parts, err := c.resolvePieces(ctx, pieces, progress)
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, c.noFootage()
	}
	made, err := c.layOut(l.placed(parts))
	if err != nil {
		return nil, err
	}
	c.tellJoined(made, begun)
	return made, nil
}

// resolvePieces gives the parts that calls bring, each with its head, in the order of their times.
func (c *Clip) resolvePieces(ctx context.Context, pieces []piece, progress func()) ([]unlistedPart, error) {
	l := c.library
	shared := &unlistedOpen{opening: l.openings.Add(1)}
	all := make([][]unlistedPart, len(pieces))
	resolve := func(from, to, atOnce int) error {
		return parallel.Each(ctx, atOnce, to-from, func(ctx context.Context, i int) (err error) {
			all[from+i], err = c.resolvePiece(ctx, pieces[from+i], shared, progress)
			return err
		})
	}
	// Where moov comes last, heads cost as much as the media: the first payload tells, before many are asked for.
	done, atOnce := 0, 1
	var first []unlistedPart
	for ; done < len(pieces) && len(first) == 0; atOnce = min(2*atOnce, untilKnown) {
		next := min(done+atOnce, len(pieces))
		if err := resolve(done, next, atOnce); err != nil {
			return nil, err
		}
		first = slices.Concat(all[done:next]...)
		done = next
	}
	for len(first) > 0 && first[0].Head.MoovLast && done < len(pieces) {
		// As many as there is room for by the largest so far, and one that goes beyond it and tells so.
		largest := int64(1)
		for _, p := range slices.Concat(all[:done]...) {
			largest = max(largest, p.Head.Size)
		}
		room := (l.options.MaxOpenFetch - shared.bytes.Load()) / largest
		next := min(done+int(min(1+room, untilKnown/2)), len(pieces))
		if err := resolve(done, next, next-done); err != nil {
			return nil, err
		}
		done = next
	}
	err := resolve(done, len(pieces), download.HeadsOver*l.options.Connections)
	return slices.Concat(all...), err
}

// resolvePiece gives the parts that calls bring for a piece: none where it has no footage, itself as a rule, and halves of
// it where its payload may have been cut or the codec changes within it. All of that is remembered on disk.
func (c *Clip) resolvePiece(ctx context.Context, p piece, shared *unlistedOpen, progress func()) ([]unlistedPart, error) {
	l := c.library
	payload := c.payloadOf(p, shared.opening)
	got, err := l.downloads.Head(ctx, payload)
	progress()
	if errors.Is(err, archive.ErrNoFootage) {
		c.noteEmpty(ctx, p, payload)
		return nil, nil
	}
	if err != nil && !errors.Is(err, archive.ErrCodecChange) {
		return nil, fmt.Errorf("part %s: %w", p.span, err)
	}
	if got.Split == splitEmpty {
		return nil, nil
	}
	if err == nil && got.Split == 0 {
		var part unlistedPart
		if part, err = c.measure(p, payload, got, shared); err == nil {
			return []unlistedPart{part}, nil
		}
		if !errors.Is(err, errMayBeCut) {
			return nil, err
		}
	}
	if err != nil { // else it was noted before
		if p.span.Length() <= leastPiece {
			return nil, fmt.Errorf("part %s: %w", p.span, err)
		}
		l.options.Logger.Debug("part is asked for in halves", "stream", c.stream.Name, "span", p.span, "reason", err)
		l.cache.Drop(p.key)
		l.identities.Forget(p.key)
		if err := l.downloads.NoteHead(ctx, payload, download.Head{Split: splitHalved}, time.Time{}); err != nil {
			l.options.Logger.Debug("which is not remembered", "error", err)
		}
	}
	var parts []unlistedPart
	for _, half := range c.halves(p) {
		more, err := c.resolvePiece(ctx, half, shared, progress)
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return parts, nil
}

// noteEmpty remembers that a piece of the past has no footage, for as long again as it has been over: what is uploaded late
// comes soon as a rule, and is found at last.
func (c *Clip) noteEmpty(ctx context.Context, p piece, payload download.Payload) {
	if !p.round.IsZero() {
		return
	}
	now := time.Now()
	until := now.Add(max(now.Sub(p.span.End), c.library.options.MetadataTTL))
	if err := c.library.downloads.NoteHead(ctx, payload, download.Head{Split: splitEmpty}, until); err != nil {
		c.library.options.Logger.Debug("that there is no footage is not remembered", "stream", c.stream.Name, "span", p.span, "error", err)
	}
}

// errMayBeCut: a payload is as large as the service makes them.
var errMayBeCut = fmt.Errorf("it may have been cut, and what may be cut cannot be told without kinesisvideo:ListFragments: %w", archive.ErrTooBig)

// measure gives the part that one call brings. errMayBeCut if the payload is so large that the service may have cut it (API
// reference, GetClip: 200 fragments or 100 MB); every fragment begins with a key frame.
func (c *Clip) measure(p piece, payload download.Payload, got download.Head, shared *unlistedOpen) (unlistedPart, error) {
	movie, err := mp4.ParseMovie(got.Moov)
	if err != nil {
		return unlistedPart{}, fmt.Errorf("part %s: %w: %w", p.span, archive.ErrMedia, err)
	}
	part := unlistedPart{span: p.span}
	if err := part.time(movie.Video()); err != nil {
		return unlistedPart{}, fmt.Errorf("part %s: %w: %w", p.span, archive.ErrMedia, err)
	}
	if got.MoovLast {
		if total := shared.bytes.Add(got.Size); total > c.library.options.MaxOpenFetch {
			return unlistedPart{}, fmt.Errorf("moov comes last, so that opening takes all of the media, %d bytes so far, and %d is the most that it may: %w",
				total, c.library.options.MaxOpenFetch, archive.ErrTooBig)
		}
	}
	if part.keyFrames >= plan.MaxFragments || got.Size > plan.MaxBytes {
		return unlistedPart{}, fmt.Errorf("a payload of %d key frames and %d bytes: %w", part.keyFrames, got.Size, errMayBeCut)
	}
	c.library.Saw(c.stream.Name, p.span.Length(), part.keyFrames)
	payload.Bytes = got.Size
	got.Moov = nil
	part.Resolved = resolve.Resolved{Payload: payload, Head: got}
	return part, nil
}

// time learns from a track of pictures, which may be nil.
func (p *unlistedPart) time(video *mp4.Track) error {
	if video == nil {
		return nil
	}
	second := func(ticks int64) time.Duration {
		return time.Duration(float64(ticks) / float64(max(video.Timescale, 1)) * float64(time.Second))
	}
	var end, key int64
	for s, err := range video.Samples() {
		if err != nil {
			return err
		}
		if s.Sync {
			p.longest = max(p.longest, second(s.DTS-key))
			key = s.DTS
			p.keyFrames++
		}
		end = s.DTS + int64(s.Duration)
	}
	p.lasts = second(end)
	p.longest = min(max(p.longest, second(end-key)), archive.MaxFragmentLength)
	return nil
}

// placed gives each part its time, and tells gaps. A part begins where the one before it ends as long as recording goes on,
// but not before its own span does, and not later than the longest fragment after that: its first fragment is the first to
// start in the span. So it is placed within a fragment of where it was recorded, and no error adds up. A gap lies where more
// than a fragment is missing; what follows one is placed where its span begins.
func (l *Library) placed(parts []unlistedPart) []resolve.Resolved {
	out := make([]resolve.Resolved, len(parts))
	var end time.Time
	for i, p := range parts {
		p.Start = p.span.Start
		if i > 0 {
			longest := parts[i-1].longest
			p.Part.GapBefore = p.span.Start.Sub(end) > longest+l.options.Gap
			if latest := p.span.Start.Add(longest); end.After(latest) {
				p.Start = latest
			} else if end.After(p.Start) {
				p.Start = end
			}
		}
		end = p.Start.Add(p.lasts)
		out[i] = p.Resolved
		out[i].Start, out[i].Part.GapBefore = p.Start, p.Part.GapBefore
	}
	return out
}
