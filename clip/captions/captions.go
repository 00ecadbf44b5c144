// Package captions writes the time of day as captions of a clip: SubRip (.srt), which players load by themselves, and WebVTT (.vtt,
// W3C "WebVTT: The Web Video Text Tracks Format"), which browsers show.
package captions

import (
	"bytes"
	"clipfs/clip/archive"
	"fmt"
	"iter"
	"time"
)

// Track is what captions are made of.
type Track struct {
	// Points in the order of their positions; the first is at 0.
	Points []archive.Point
	// Length is that of the file.
	Length time.Duration
	// Location is that of the clock; nil means UTC.
	Location *time.Location
}

const (
	// shortest is the length up to which there is a cue a second; beyond it there is one every ten seconds.
	shortest = time.Hour
	fine     = time.Second
	coarse   = 10 * time.Second
)

// cue is a text that is shown from one position to another.
type cue struct {
	from, to time.Duration
	text     string
}

// SRT gives the captions as SubRip.
func (t Track) SRT() []byte {
	var b bytes.Buffer
	n := 0
	for c := range t.cues() {
		n++
		fmt.Fprintf(&b, "%d\n%s --> %s\n%s\n\n", n, position(c.from, ','), position(c.to, ','), c.text)
	}
	return b.Bytes()
}

// VTT gives the captions as WebVTT.
func (t Track) VTT() []byte {
	var b bytes.Buffer
	b.WriteString("WEBVTT\n\n")
	for c := range t.cues() {
		fmt.Fprintf(&b, "%s --> %s\n%s\n\n", position(c.from, '.'), position(c.to, '.'), c.text)
	}
	return b.Bytes()
}

// cues yields a cue for each second, or ten, as the clock shows them: a cue ends when the clock shows the next, or at the next point.
func (t Track) cues() iter.Seq[cue] {
	return func(yield func(cue) bool) {
		step := fine
		if t.Length > shortest {
			step = coarse
		}
		for i, p := range t.Points {
			end := t.Length
			if i+1 < len(t.Points) {
				end = min(end, t.Points[i+1].Position)
			}
			for from := p.Position; from < end; {
				at := p.At.Add(from - p.Position)
				shown := at.Truncate(step)
				to := min(end, from+shown.Add(step).Sub(at))
				if i == 0 && from == p.Position || shown.Before(p.At) {
					shown = at.Truncate(fine) // what comes before the first full step
				}
				// Positions are whole milliseconds in a file: a cue of less is none.
				if from, to := from.Round(time.Millisecond), to.Round(time.Millisecond); from < to && !yield(cue{from, to, t.text(shown)}) {
					return
				}
				from = to
			}
		}
	}
}

// text shows a time of day and the zone that it is in.
func (t Track) text(at time.Time) string {
	if t.Location == nil {
		return at.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return at.In(t.Location).Format("2006-01-02 15:04:05 -07:00")
}

// position writes a position as hours, minutes, seconds and milliseconds.
func position(d time.Duration, point byte) string {
	ms := d.Milliseconds()
	return fmt.Sprintf("%02d:%02d:%02d%c%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, point, ms%1000)
}
