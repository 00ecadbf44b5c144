package clip

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
)

// What a clip's ".times.json" is estimated to take at most, in bytes: its beginning, and a point of each fragment and part.
const timesHead, timesPoint = 1 << 10, 128

// Times is a form of a clip: which time of day a position in the file is, as its media tells. It is made when it is first
// opened, which costs what opening the clip costs, and stays as it is. It is safe for concurrent use.
type Times struct {
	clip *Clip

	// mu guards text, which is nil until it was made.
	mu   sync.Mutex
	text []byte
}

// Times gives that form of the clip. It costs nothing.
func (c *Clip) Times() *Times { return &Times{clip: c} }

// Size is the size of the text in bytes. Until it was made it is an estimate on the high side.
func (t *Times) Size() (n int64, exact bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text != nil {
		return int64(len(t.text)), true
	}
	return timesHead + timesPoint*int64(2*t.clip.fragments+t.clip.calls), false
}

// Open gives the text. It waits for the heads of all parts, and fails as Clip.Open does.
func (t *Times) Open(ctx context.Context) (*TimesHandle, error) {
	t.mu.Lock()
	text := t.text
	t.mu.Unlock()
	if text != nil {
		return &TimesHandle{text}, nil
	}
	text, err := t.clip.timesText(ctx)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text == nil {
		t.text = text
	}
	return &TimesHandle{t.text}, nil
}

// TimesHandle is an open Times.
type TimesHandle struct{ text []byte }

// Size is the exact size in bytes.
func (h *TimesHandle) Size() int64 { return int64(len(h.text)) }

// ReadAt reads as io.ReaderAt does.
func (h *TimesHandle) ReadAt(_ context.Context, p []byte, off int64) (int, error) {
	return bytes.NewReader(h.text).ReadAt(p, off)
}

// Complete reports that no read waits for the archive.
func (h *TimesHandle) Complete() bool { return true }

// Close does nothing.
func (h *TimesHandle) Close() error { return nil }

var _ io.Closer = (*TimesHandle)(nil)

// timesForm is that text, as JSON. Times and lengths are written as the sidecar has them.
type timesForm struct {
	Stream   archive.StreamName `json:"stream"`
	Selector string             `json:"timestamps"`
	Start    string             `json:"start"`
	End      string             `json:"end"`
	First    string             `json:"first"`
	Policy   string             `json:"gaps"`
	// Exact says that each position is right to the millisecond.
	Exact  bool               `json:"exact"`
	Points []sidecarTimePoint `json:"points"`
}

// timesText makes the text.
func (c *Clip) timesText(ctx context.Context) ([]byte, error) {
	handle, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = handle.Close() }()
	points, exact, err := c.mediaTimes(c.asks(ctx))
	if err != nil {
		return nil, c.note(fmt.Errorf("times of %s %s: %w", c.stream.Name, c.span, err))
	}
	form := timesForm{
		Stream: c.stream.Name, Selector: c.library.options.Selector.String(), Start: sidecarTime(c.span.Start), End: sidecarTime(c.span.End),
		First: sidecarTime(c.First()), Policy: c.library.options.Gaps.String(), Exact: exact,
	}
	for _, p := range points {
		form.Points = append(form.Points, sidecarTimePoint{p.position.Round(time.Microsecond).Seconds(), sidecarTime(p.at.Round(archive.Grain))})
	}
	text, err := json.MarshalIndent(form, "", " ")
	if err != nil {
		return nil, fmt.Errorf("times of %s %s: %w", c.stream.Name, c.span, err)
	}
	return append(text, '\n'), nil
}

// mediaTimes gives the points of an open clip, and whether they are exact: its own tables are compared with the listing.
func (c *Clip) mediaTimes(ctx context.Context) ([]timePoint, bool, error) {
	made := c.made()
	if c.fragments == 0 {
		points := []timePoint{{0, c.First()}}
		if made != nil {
			points = joinedPoints(made.joined, c.First())
		}
		return points, false, nil
	}
	d, err := c.detail(ctx)
	if err != nil {
		return nil, false, err
	}
	parts, _ := c.library.served(ctx, c.stream.Name, d)
	if len(parts) == 0 {
		return nil, false, archive.ErrNoFootage
	}
	first := parts[0].Fragments[0].Time(c.library.options.Selector)
	var movie *mp4.Movie
	if made != nil {
		movie, err = joinedMovie(made.joined)
	} else {
		movie, err = c.library.downloads.Movie(c.library.payloadOf(c.stream, parts[0]))
	}
	if err != nil {
		return nil, false, err
	}
	shown, err := picturesOf(movie)
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", archive.ErrMedia, err)
	}
	points := []timePoint{{0, first.Add(-shown.begin)}}
	if made != nil {
		points = joinedPoints(made.joined, first)
	}
	if placed, ok := place(shown, points, &detail{rule: d.rule, parts: parts}); ok {
		return placed, true, nil
	}
	return points, false, nil
}

// joinedPoints gives the points that a joined file was made with, whose clip begins at first.
func joinedPoints(j *join.File, first time.Time) []timePoint {
	var points []timePoint
	for _, p := range j.Times() {
		points = append(points, timePoint{p.File, first.Add(p.Clip)})
	}
	return points
}

// joinedMovie reads the head of a joined file.
func joinedMovie(j *join.File) (*mp4.Movie, error) {
	var head bytes.Buffer
	head.Grow(int(j.HeadSize()))
	if err := j.WriteHead(&head); err != nil {
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

// sortedPoints orders points by their positions; of two at one position the later one counts.
func sortedPoints(points []timePoint) []timePoint {
	slices.SortStableFunc(points, func(a, b timePoint) int { return int(a.position - b.position) })
	out := points[:0]
	for _, p := range points {
		if n := len(out); n > 0 && out[n-1].position == p.position {
			out = out[:n-1]
		}
		out = append(out, p)
	}
	return out
}
