package sidecar

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
)

// What a clip's ".times.json" is estimated to take at most, in bytes: its beginning, and a point of each fragment and part.
const timesHead, timesPoint = 1 << 10, 128

// Times is a form of a clip: which time of day a position in the file is, as its media tells. It is made when it is first
// opened, which costs what opening the clip costs, and stays as it is. It is safe for concurrent use.
type Times struct {
	clip *clip.Clip

	// mu guards text, which is nil until it was made.
	mu   sync.Mutex
	text []byte
}

// NewTimes gives that form of a clip. It costs nothing.
func NewTimes(c *clip.Clip) *Times { return &Times{clip: c} }

// Size is the size of the text in bytes. Until it was made it is an estimate on the high side.
func (t *Times) Size() (n int64, exact bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text != nil {
		return int64(len(t.text)), true
	}
	return timesHead + timesPoint*int64(2*t.clip.Fragments()+t.clip.Parts()), false
}

// Text gives the text. It waits for the heads of all parts, and fails as Clip.Open does.
func (t *Times) Text(ctx context.Context) ([]byte, error) {
	t.mu.Lock()
	text := t.text
	t.mu.Unlock()
	if text != nil {
		return text, nil
	}
	text, err := timesOf(ctx, t.clip)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text == nil {
		t.text = text
	}
	return t.text, nil
}

// timed is that text, as JSON.
type timed struct {
	Stream   archive.StreamName `json:"stream"`
	Selector string             `json:"timestamps"`
	Start    string             `json:"start"`
	End      string             `json:"end"`
	First    string             `json:"first"`
	Policy   string             `json:"gaps"`
	// Exact says that each position is right to the millisecond.
	Exact  bool    `json:"exact"`
	Points []point `json:"points"`
}

// timesOf makes the text.
func timesOf(ctx context.Context, c *clip.Clip) ([]byte, error) {
	handle, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = handle.Close() }()
	points, exact, err := handle.Points(ctx)
	if err != nil {
		return nil, err
	}
	form := timed{
		Stream: c.Stream(), Selector: c.Selector().String(), Start: formatTime(c.Span().Start), End: formatTime(c.Span().End),
		First: formatTime(c.First()), Policy: c.Gaps().String(), Exact: exact,
	}
	for _, p := range points {
		form.Points = append(form.Points, point{p.Position.Round(time.Microsecond).Seconds(), formatTime(p.At.Round(archive.Grain))})
	}
	text, err := json.MarshalIndent(form, "", " ")
	if err != nil {
		return nil, fmt.Errorf("times of %s %s: %w", c.Stream(), c.Span(), err)
	}
	return append(text, '\n'), nil
}
