package hls

import (
	"context"
	"errors"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/plan"
)

// chooser chooses where the media of segments comes from.
type chooser struct {
	*history
	// part is the grid on which clips are cut.
	part time.Duration
	// find gives the clip of a span of the stream.
	find func(context.Context, archive.Span) (*clip.Clip, error)
}

// choice is what is known of a segment whose source is chosen.
type choice struct {
	own         *source
	first, last time.Time
	// begins says that it is the first of its playlist; before is the opening, a moment ago, of the segment before, nil if there was none.
	begins bool
	before *opening
	now    time.Time
}

// choose gives the clip that the media of a segment is to come from. It costs a listing at most.
func (s *chooser) choose(ctx context.Context, own *clip.Clip, position time.Duration, now time.Time) (*source, error) {
	recorded, err := own.Recording(ctx)
	if errors.Is(err, archive.ErrNotListable) {
		return &source{clip: own, starts: own.Span(), end: own.Span().End}, nil
	}
	if err != nil {
		return nil, err
	}
	c := choice{own: sourceOf(own, servedOf(recorded.Fragments, recorded.Over), recorded.Rule), begins: position == 0, now: now}
	if before, ok := s.before(own.Span(), position, now); ok {
		c.before = &before
	}
	c.first, c.last = c.own.times[0], c.own.times[len(c.own.times)-1]
	if own.Calls() != 1 {
		return c.own, nil
	}
	if found := s.there(ctx, c); found != nil {
		return s.keep(found), nil
	}
	if (c.begins || c.before != nil) && c.first.Truncate(s.part).Add(s.part+settledAfter).Before(now) {
		rest, err := s.rest(ctx, c)
		if err != nil {
			return nil, err
		}
		if rest != nil {
			return s.keep(rest), nil
		}
	}
	return s.keep(c.own), nil
}

// settledAfter is how long ago a cell has ended at least for a call for more than a segment of it: a newer one is still being listed.
const settledAfter = time.Minute

// there gives a source that is on disk, or on its way; nil if there is none.
func (s *chooser) there(ctx context.Context, c choice) *source {
	known := s.having(c.first, c.last)
	if c.before != nil && c.before.source.has(c.first, c.last) && !s.isLost(c.before.source) {
		known = append([]*source{c.before.source}, known...)
	}
	for _, src := range known {
		if s.coming(src, c.now) {
			return src
		}
	}
	for _, src := range append(known, c.own) {
		if src.whole(ctx) {
			return src
		}
	}
	for _, times := range cellsLookedAt() {
		cell, err := s.cell(ctx, c, time.Duration(times)*s.part)
		if err == nil && cell != nil && cell.whole(ctx) {
			return cell
		}
	}
	return nil
}

// cellsLookedAt are how many times the grid of parts the cells are in which a segment is looked for on disk: those on which clips of up to
// a day are cut, and the hour, which is one part where fragments are long.
func cellsLookedAt() []int { return []int{1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60} }

// cell gives the part of a segment on a grid: what is recorded without a gap around it in its cell, as far as one call brings it. Nil if a part
// of the segment is in another one.
func (s *chooser) cell(ctx context.Context, c choice, grid time.Duration) (*source, error) {
	start := c.first.Truncate(grid)
	return s.partOf(ctx, c, archive.Span{Start: start, End: start.Add(grid)}, grid)
}

// partOf gives the part of a segment among those into which a span is cut on a grid. Nil if a part of the segment is in another one.
func (s *chooser) partOf(ctx context.Context, c choice, span archive.Span, grid time.Duration) (*source, error) {
	if span.Length() > archive.MaxSpan {
		return nil, nil
	}
	all, err := s.find(ctx, span)
	if err != nil {
		return nil, err
	}
	recorded, err := all.Recording(ctx)
	if err != nil {
		return nil, err
	}
	rule := recorded.Rule
	parts, _ := plan.Planner{Rule: rule, Grid: grid}.Plan(recorded.Fragments, span.Length())
	for _, p := range parts {
		src := sourceOf(all, p.Fragments, rule)
		if !src.has(c.first, c.last) {
			continue
		}
		if len(parts) > 1 {
			if src.clip, err = s.find(ctx, src.starts); err != nil {
				return nil, err
			}
		}
		if src.clip.Calls() != 1 {
			return nil, nil
		}
		return src, nil
	}
	return nil, nil
}

// rest gives what a reader who reads on will read: from the segment to the end of its cell; with the next cell, where the reader began within a
// cell, so that however it stands to the grid it takes no more than one call a part and one more. Nil where that is no more than the segment.
func (s *chooser) rest(ctx context.Context, c choice) (*source, error) {
	cell, err := s.cell(ctx, c, s.part)
	if err != nil || cell == nil || s.isRefused(cell) {
		return nil, err
	}
	if cell.starts.Start.Equal(c.first) {
		return cell, nil
	}
	border := c.first.Truncate(s.part).Add(s.part)
	if began := c.before; (began == nil || began.run == 0 && !began.source.starts.Start.Equal(cell.starts.Start)) && border.Add(s.part+settledAfter).Before(c.now) {
		long, err := s.partOf(ctx, c, archive.Span{Start: c.first, End: border.Add(s.part)}, 2*s.part)
		if err == nil && long != nil && long.end.After(cell.end) && !s.isRefused(long) {
			return long, nil
		}
	}
	src, err := s.partOf(ctx, c, archive.Span{Start: c.first, End: border}, s.part)
	if err != nil || src == nil || s.isRefused(src) {
		return nil, err
	}
	return src, nil
}
