package clip

import (
	"encoding/json"
	"fmt"
	"time"
)

// sidecar is what the file beside a clip tells of it, as JSON. Times are RFC 3339, UTC, to the millisecond; lengths are
// in seconds, sizes in bytes.
type sidecar struct {
	Stream    StreamName        `json:"stream"`
	ARN       string            `json:"arn,omitempty"`
	Selector  string            `json:"timestamps"`
	Start     string            `json:"start"`
	End       string            `json:"end"`
	First     string            `json:"first"`
	Offset    float64           `json:"offset_seconds"` // from the start of the span to the first fragment
	Size      sidecarSize       `json:"size"`
	Totals    sidecarTotals     `json:"totals"`
	Times     sidecarTimes      `json:"times"`
	Gaps      []sidecarGap      `json:"gaps"`
	Fragments []sidecarFragment `json:"fragments"`
}

type sidecarSize struct {
	Bytes int64 `json:"bytes"`
	Exact bool  `json:"exact"`
}

type sidecarTotals struct {
	Fragments int     `json:"fragments"`
	Bytes     int64   `json:"bytes"`
	Footage   float64 `json:"footage_seconds"`
	Gaps      float64 `json:"gap_seconds"`
}

// sidecarTimes tells which time of day a position in the file is: from each point on, both go on together.
type sidecarTimes struct {
	Policy string `json:"gaps"`
	// Exact tells that the points come from the media; until the clip was opened they come from the listing, whose
	// lengths can be a frame off.
	Exact  bool               `json:"exact"`
	Points []sidecarTimePoint `json:"points"`
}

type sidecarTimePoint struct {
	Position float64 `json:"position_seconds"`
	Time     string  `json:"time"`
}

type sidecarGap struct {
	Start  string  `json:"start"`
	End    string  `json:"end"`
	Length float64 `json:"seconds"`
}

type sidecarFragment struct {
	Number   FragmentID `json:"number"`
	Producer string     `json:"producer"`
	Server   string     `json:"server"`
	Length   float64    `json:"length_seconds"`
	Size     int64      `json:"bytes"`
}

// sidecarTime writes a time as the sidecar has it.
func sidecarTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// times tells how positions in the file and times of day belong together.
func (c *Clip) times() sidecarTimes {
	t := sidecarTimes{Policy: c.library.options.Gaps.String(), Points: []sidecarTimePoint{}}
	point := func(position time.Duration, at time.Time) {
		t.Points = append(t.Points, sidecarTimePoint{position.Seconds(), sidecarTime(at)})
	}
	if made := c.made(); made != nil {
		t.Exact = true
		for _, p := range made.joined.Times() {
			point(p.File, c.First().Add(p.Clip))
		}
		return t
	}
	var position time.Duration
	begin, end := 0, 0 // of the fragments since the last gap
	for i, p := range c.parts {
		if p.gapBefore && c.library.options.Gaps == CloseGaps || i == 0 {
			point(position, p.fragments[0].Time(c.library.options.Selector))
		}
		if end += len(p.fragments); i+1 == len(c.parts) || c.parts[i+1].gapBefore {
			position += c.rule.recorded(c.fragments[begin:end])
			begin = end
		}
	}
	return t
}

// Sidecar describes the clip in JSON: stream, span, fragments, gaps between them, totals, which time of day a position in
// the file is, and the size as far as it is known. It costs no call. Gaps before the first and after the last fragment are none of the clip's. The fragments of
// a clip that may not be listed are missing.
func (c *Clip) Sidecar() ([]byte, error) {
	by := c.library.options.Selector
	s := sidecar{
		Stream: c.stream.Name, ARN: c.stream.ARN, Selector: by.String(), Start: sidecarTime(c.span.Start), End: sidecarTime(c.span.End),
		First: sidecarTime(c.First()), Offset: c.First().Sub(c.span.Start).Seconds(),
		Totals:    sidecarTotals{Fragments: len(c.fragments), Bytes: c.MediaBytes(), Footage: c.rule.recorded(c.fragments).Seconds()},
		Times:     c.times(),
		Gaps:      []sidecarGap{},
		Fragments: make([]sidecarFragment, len(c.fragments)),
	}
	s.Size.Bytes, s.Size.Exact = c.Size()
	for i, f := range c.fragments {
		s.Fragments[i] = sidecarFragment{f.ID, sidecarTime(f.Producer), sidecarTime(f.Server), f.Length.Seconds(), f.Size}
		if i > 0 && c.rule.between(c.fragments[i-1], f) {
			end := c.rule.end(c.fragments[i-1])
			gap := f.Time(by).Sub(end).Seconds()
			s.Gaps = append(s.Gaps, sidecarGap{sidecarTime(end), sidecarTime(f.Time(by)), gap})
			s.Totals.Gaps += gap
		}
	}
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return nil, fmt.Errorf("sidecar of %s %s: %w", c.stream.Name, c.span, err)
	}
	return append(text, '\n'), nil
}
