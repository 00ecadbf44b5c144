package clip

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/download"
	"clipfs/clip/match"
	"clipfs/clip/mp4"
	"clipfs/clip/resolve"
)

// Recording is what the listing tells of a clip: what its forms are made of that need no media.
type Recording struct {
	Stream archive.Stream
	Span   archive.Span
	// Fragments of the clip in the order of their times, and the rule that tells gaps between them.
	Fragments []archive.Fragment
	Rule      archive.GapRule
	// Cover says that the clip also has the fragment that was running at its start.
	Cover bool
	// Gaps lie between the clip's fragments, in order; Policy says what becomes of them.
	Gaps   []archive.Span
	Policy GapPolicy
	// Over are those of them that lie over older ones and are not served.
	Over []archive.Fragment
	// Points are which time of day positions in the file are, in the order of positions, and Length is how long the file
	// plays, both as far as the listing tells.
	Points []archive.Point
	Length time.Duration

	// made is what all that is made of: as long as the recording is used, nothing makes it again.
	made *detail
}

// Recording gives what the listing tells of the clip. It costs a listing at most, as a rule nothing; ErrChanged if the archive
// has other fragments by now, ErrNotListable where fragments may not be listed.
func (c *Clip) Recording(ctx context.Context) (Recording, error) {
	if !c.mayList() {
		return Recording{}, fmt.Errorf("what the listing tells of %s %s: %w", c.stream.Name, c.span, c.library.listingError(c.stream.Name))
	}
	d, err := c.detail(ctx)
	if err != nil {
		return Recording{}, err
	}
	r := Recording{Stream: c.stream, Span: c.span, Fragments: d.fragments, Rule: d.rule, Cover: c.cover, Gaps: d.gaps(), Policy: c.Gaps(), Over: d.over, made: d}
	r.Points, r.Length = c.listedPoints(d)
	return r, nil
}

// WithRecording calls use with what Recording gives, which is not to be kept: few long listings are in memory at once, so it waits until there is room for this one.
func (c *Clip) WithRecording(ctx context.Context, use func(Recording) error) error {
	defer c.library.room.Enter(ctx, c.fragments)()
	r, err := c.Recording(ctx)
	if err != nil {
		return err
	}
	return use(r)
}

// listedPoints gives the points of a clip as far as the listing tells: one for each run where gaps are closed, else one. It is
// as long as its fragments, and its gaps where these are kept.
func (c *Clip) listedPoints(d *detail) (points []archive.Point, length time.Duration) {
	begin, end := 0, 0 // of the fragments since the last gap
	for i, p := range d.parts {
		at := p.Fragments[0].Time(c.library.options.Selector)
		switch {
		case i == 0:
			points = append(points, archive.Point{At: at})
		case p.GapBefore && c.library.options.Gaps == CloseGaps:
			points = append(points, archive.Point{Position: length, At: at})
		case p.GapBefore:
			length = at.Sub(points[0].At)
		}
		if end += len(p.Fragments); i+1 == len(d.parts) || d.parts[i+1].GapBefore {
			length += d.rule.Recorded(d.fragments[begin:end])
			begin = end
		}
	}
	return points, length
}

// Movie reads the tables of the open clip. They cost what opening it has cost. ErrMedia where they come behind the media of
// a clip that may not be listed.
func (h *Handle) Movie(ctx context.Context) (*mp4.Movie, error) {
	c := h.clip
	if made := c.made(); made != nil {
		return joinedMovie(ctx, made)
	}
	if !c.mayList() {
		movie, err := h.file.(*download.Reader).Movie(ctx)
		if err == nil && movie == nil {
			err = fmt.Errorf("moov comes last: %w", archive.ErrMedia)
		}
		return movie, err
	}
	d, err := c.detail(ctx)
	if err != nil {
		return nil, err
	}
	parts, _ := c.library.served(c.asks(ctx), c.stream, d)
	if len(parts) == 0 {
		return nil, archive.ErrNoFootage
	}
	return c.library.downloads.Movie(ctx, parts[0].Payload(c.stream, c.library.options.Selector))
}

// Points gives which time of day positions in the open clip are, and whether each is right to the millisecond: its tables are
// compared with the listing.
func (h *Handle) Points(ctx context.Context) (points []archive.Point, exact bool, err error) {
	points, exact, err = h.points(ctx)
	if err != nil {
		err = h.clip.note(fmt.Errorf("times of %s %s: %w", h.clip.stream.Name, h.clip.span, err))
	}
	return points, exact, err
}

func (h *Handle) points(ctx context.Context) (points []archive.Point, exact bool, err error) {
	c := h.clip
	made := c.made()
	if c.fragments == 0 {
		if made != nil {
			points, err = joinedPoints(ctx, made, c.First())
			return points, false, err
		}
		return []archive.Point{{At: c.First()}}, false, nil
	}
	d, err := c.detail(ctx)
	if err != nil {
		return nil, false, err
	}
	parts, _ := c.library.served(c.asks(ctx), c.stream, d)
	if len(parts) == 0 {
		return nil, false, archive.ErrNoFootage
	}
	first := parts[0].Fragments[0].Time(c.library.options.Selector)
	movie, err := h.Movie(ctx)
	if err != nil {
		return nil, false, err
	}
	shown, err := match.PicturesOf(movie)
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", archive.ErrMedia, err)
	}
	points = []archive.Point{{At: first.Add(-shown.Begin)}}
	if made != nil {
		if points, err = joinedPoints(ctx, made, first); err != nil {
			return nil, false, err
		}
	}
	if placed, ok := match.Place(shown, points, d.rule, fragmentsOf(parts)); ok {
		return placed, true, nil
	}
	return points, false, nil
}

// fragmentsOf gives the fragments of each part.
func fragmentsOf(parts []resolve.Part) iter.Seq[[]archive.Fragment] {
	return func(yield func([]archive.Fragment) bool) {
		for i := range parts {
			if !yield(parts[i].Fragments) {
				return
			}
		}
	}
}

// joinedPoints gives the points that a joined file was made with, whose clip begins at first.
func joinedPoints(ctx context.Context, l *layout, first time.Time) (points []archive.Point, err error) {
	j, err := l.plan(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range j.Times() {
		points = append(points, archive.Point{Position: p.File, At: first.Add(p.Clip)})
	}
	return points, nil
}

// joinedMovie reads the head of a joined file.
func joinedMovie(ctx context.Context, l *layout) (*mp4.Movie, error) {
	j, err := l.plan(ctx)
	if err != nil {
		return nil, err
	}
	var head bytes.Buffer
	head.Grow(int(j.HeadSize()))
	if err := j.WriteHead(ctx, &head); err != nil {
		return nil, err
	}
	for box, err := range mp4.Children(head.Bytes()) {
		if err != nil {
			break // mdat, whose body is not there
		}
		if box.Type == mp4.TypeMoov {
			return mp4.ParseMovie(box.Raw)
		}
	}
	return nil, fmt.Errorf("no moov in a joined head: %w", archive.ErrMedia)
}
