package unlisted

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

// opening is what all calls of one opening share.
type opening struct {
	number uint64
	// bytes counts those of payloads whose heads come last.
	bytes atomic.Int64
}

// Resolve gives the parts that calls bring for pieces of a stream, each with its head, in the order of their times: none where
// there is no footage. number is that of the opening that they are for, 0 for none; progress is called after each call.
func (m *Minutes) Resolve(ctx context.Context, stream archive.Stream, pieces []Piece, number uint64, progress func()) ([]resolve.Resolved, error) {
	shared := &opening{number: number}
	all := make([][]part, len(pieces))
	ask := func(from, to, atOnce int) error {
		return parallel.Each(ctx, atOnce, to-from, func(ctx context.Context, i int) (err error) {
			all[from+i], err = m.resolve(ctx, stream, pieces[from+i], shared, progress)
			return err
		})
	}
	// Where moov comes last, heads cost as much as the media: the first payload tells, before many are asked for.
	done, atOnce := 0, 1
	var first []part
	for ; done < len(pieces) && len(first) == 0; atOnce = min(2*atOnce, untilKnown) {
		next := min(done+atOnce, len(pieces))
		if err := ask(done, next, atOnce); err != nil {
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
		room := (m.options.MaxOpenFetch - shared.bytes.Load()) / largest
		next := min(done+int(min(1+room, untilKnown/2)), len(pieces))
		if err := ask(done, next, next-done); err != nil {
			return nil, err
		}
		done = next
	}
	if err := ask(done, len(pieces), m.options.AtOnce); err != nil {
		return nil, err
	}
	return m.placed(slices.Concat(all...)), nil
}

// resolve gives the parts that calls bring for a piece: none where it has no footage, itself as a rule, and halves of
// it where its payload may have been cut or the codec changes within it. All of that is remembered on disk.
func (m *Minutes) resolve(ctx context.Context, stream archive.Stream, p Piece, shared *opening, progress func()) ([]part, error) {
	payload := m.payloadOf(stream, p, shared.number)
	got, err := m.downloads.Head(ctx, payload)
	progress()
	if errors.Is(err, archive.ErrNoFootage) {
		m.noteEmpty(ctx, p, payload)
		return nil, nil
	}
	if err != nil && !errors.Is(err, archive.ErrCodecChange) {
		return nil, fmt.Errorf("part %s: %w", p.Span, err)
	}
	if got.Split == splitEmpty {
		return nil, nil
	}
	if err == nil && got.Split == 0 {
		var own part
		if own, err = m.measure(p, payload, got, shared); err == nil {
			return []part{own}, nil
		}
		if !errors.Is(err, errMayBeCut) {
			return nil, err
		}
	}
	if err != nil { // else it was noted before
		if p.Span.Length() <= leastPiece {
			return nil, fmt.Errorf("part %s: %w", p.Span, err)
		}
		m.options.Logger.Debug("part is asked for in halves", "stream", stream.Name, "span", p.Span, "reason", err)
		m.cache.Drop(p.Key)
		m.downloads.Identities().Forget(p.Key)
		if err := m.downloads.NoteHead(ctx, payload, download.Head{Split: splitHalved}, time.Time{}); err != nil {
			m.options.Logger.Debug("which is not remembered", "error", err)
		}
	}
	var parts []part
	for _, half := range m.halves(stream, p) {
		more, err := m.resolve(ctx, stream, half, shared, progress)
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return parts, nil
}

// noteEmpty remembers that a piece of the past has no footage, for as long again as it has been over: what is uploaded late
// comes soon as a rule, and is found at last.
func (m *Minutes) noteEmpty(ctx context.Context, p Piece, payload download.Payload) {
	if !p.Round.IsZero() {
		return
	}
	now := time.Now()
	until := now.Add(max(now.Sub(p.Span.End), m.options.TTL))
	if err := m.downloads.NoteHead(ctx, payload, download.Head{Split: splitEmpty}, until); err != nil {
		m.options.Logger.Debug("that there is no footage is not remembered", "stream", payload.Stream.Name, "span", p.Span, "error", err)
	}
}

// errMayBeCut: a payload is as large as the service makes them.
var errMayBeCut = fmt.Errorf("it may have been cut, and what may be cut cannot be told without kinesisvideo:ListFragments: %w", archive.ErrTooBig)

// measure gives the part that one call brings. errMayBeCut if the payload is so large that the service may have cut it (API
// reference, GetClip: 200 fragments or 100 MB); every fragment begins with a key frame.
func (m *Minutes) measure(p Piece, payload download.Payload, got download.Head, shared *opening) (part, error) {
	movie, err := mp4.ParseMovie(got.Moov)
	if err != nil {
		return part{}, fmt.Errorf("part %s: %w: %w", p.Span, archive.ErrMedia, err)
	}
	own := part{span: p.Span}
	if err := own.time(movie.Video()); err != nil {
		return part{}, fmt.Errorf("part %s: %w: %w", p.Span, archive.ErrMedia, err)
	}
	if got.MoovLast {
		if total := shared.bytes.Add(got.Size); total > m.options.MaxOpenFetch {
			return part{}, fmt.Errorf("moov comes last, so that opening takes all of the media, %d bytes so far, and %d is the most that it may: %w",
				total, m.options.MaxOpenFetch, archive.ErrTooBig)
		}
	}
	if own.keyFrames >= plan.MaxFragments || got.Size > plan.MaxBytes {
		return part{}, fmt.Errorf("a payload of %d key frames and %d bytes: %w", own.keyFrames, got.Size, errMayBeCut)
	}
	m.options.Saw(payload.Stream.Name, p.Span.Length(), own.keyFrames)
	payload.Bytes = got.Size
	got.Moov = nil
	own.Resolved = resolve.Resolved{Payload: payload, Head: got}
	return own, nil
}
