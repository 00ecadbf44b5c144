package clip

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"clipfs/clip/archive"
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
	points, exact, err := handle.Points(ctx)
	if err != nil {
		return nil, c.note(fmt.Errorf("times of %s %s: %w", c.stream.Name, c.span, err))
	}
	form := timesForm{
		Stream: c.stream.Name, Selector: c.library.options.Selector.String(), Start: sidecarTime(c.span.Start), End: sidecarTime(c.span.End),
		First: sidecarTime(c.First()), Policy: c.library.options.Gaps.String(), Exact: exact,
	}
	for _, p := range points {
		form.Points = append(form.Points, sidecarTimePoint{p.Position.Round(time.Microsecond).Seconds(), sidecarTime(p.At.Round(archive.Grain))})
	}
	text, err := json.MarshalIndent(form, "", " ")
	if err != nil {
		return nil, fmt.Errorf("times of %s %s: %w", c.stream.Name, c.span, err)
	}
	return append(text, '\n'), nil
}
