// Package chart draws what is recorded in a span as a picture (SVG 1.1, W3C): where there is footage, where gaps are, and how many
// bytes a second it takes, which is called activity: a still picture takes few. It needs a listing and no media.
package chart

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/docker/go-units"

	"clipfs/clip/archive"
)

// Lengths in the picture, in pixels at its natural size. The footage is drawn between left and left+wide.
const (
	width, height = 1200, 210
	left, wide    = 30, 1140

	titleAt    = 30
	summaryAt  = 52
	activityAt = 70
	activityUp = 60
	recordedAt = 136
	recordedUp = 22
	// gapsAt is where the marks of short gaps begin: footage with many of them is still seen to be some.
	gapsAt   = recordedAt + 8
	axisAt   = 178
	legendAt = 200

	// mostTicks is how many labels of hours and minutes the axis has room for, mostFineTicks how many with seconds.
	mostTicks, mostFineTicks = 25, 13

	// titleSize is the size of the title where it has room, which is that of so many letters of size 1.
	titleSize, titleRoom = 20, wide * 20 / 13
)

// Chart is what is drawn.
type Chart struct {
	// Title stands above the picture.
	Title string
	// Span is what the picture is of.
	Span archive.Span
	// Fragments that start in the span, in the order of their times, and the rule that tells gaps.
	Fragments []archive.Fragment
	Rule      archive.GapRule
	// Location is that of the clock; nil means UTC.
	Location *time.Location
}

// column is one pixel of the time axis.
type column struct {
	// gap says that one begins in it which is no longer than a column.
	recorded, gap bool
	bytes         float64
}

// SVG draws the picture. Its size does not grow with the number of fragments.
func (c Chart) SVG() []byte {
	if c.Location == nil {
		c.Location = time.UTC
	}
	columns, gaps := c.columns()
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="sans-serif">`+"\n",
		width, height, width, height)
	summary := c.summary(gaps)
	fmt.Fprintf(&b, "<title>%s</title>\n<desc>%s</desc>\n", escaped(c.Title), escaped(summary))
	// Blue, orange and black are told apart with any colour vision; gaps are hatched besides.
	b.WriteString(`<defs><pattern id="g" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#fff"/>` +
		`<path d="M0 6L6 0" stroke="#000" stroke-opacity=".35"/></pattern></defs>` + "\n")
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	text(&b, left, titleAt, min(titleSize, max(1, titleRoom/max(1, len(c.Title)))), "start", c.Title)
	text(&b, left, summaryAt, 13, "start", summary)
	c.drawActivity(&b, columns)
	fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="url(#g)" stroke="#000" stroke-width=".5"/>`+"\n", left, recordedAt, wide, recordedUp)
	bars(&b, columns, "#0072b2", recordedAt, recordedUp, func(c column) bool { return c.recorded })
	bars(&b, columns, "#000", gapsAt, recordedAt+recordedUp-gapsAt, func(c column) bool { return c.recorded && c.gap })
	c.drawAxis(&b)
	c.drawLegend(&b, columns)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// x gives where an instant stands on the axis, in columns.
func (c Chart) x(at time.Time) float64 {
	return float64(at.Sub(c.Span.Start)) / float64(c.Span.Length()) * wide
}

// columns puts fragments into columns, and counts the gaps between them.
func (c Chart) columns() ([]column, int) {
	columns := make([]column, wide)
	gaps := 0
	at := func(x float64) int { return min(max(0, int(x)), wide-1) }
	for i, f := range c.Fragments {
		start, end := f.Time(c.Rule.By), c.Rule.End(f)
		gap, next := false, end
		if i+1 < len(c.Fragments) {
			next = c.Fragments[i+1].Time(c.Rule.By)
			if gap = c.Rule.Between(f, c.Fragments[i+1]); !gap && next.After(start) {
				end = next
			}
		}
		from, to := c.x(start), max(c.x(end), c.x(start)+1e-6)
		for k := at(from); k <= at(math.Nextafter(to, 0)); k++ {
			share := (min(to, float64(k+1)) - max(from, float64(k))) / (to - from)
			columns[k].recorded = true
			columns[k].bytes += float64(f.Size) * max(0, share)
		}
		if gap {
			gaps++
			columns[at(to)].gap = c.x(next) < to+1 // a longer one shows by itself
		}
	}
	return columns, gaps
}

// summary says in one line what is recorded.
func (c Chart) summary(gaps int) string {
	recorded := c.Rule.Recorded(c.Fragments).Round(time.Second)
	var size int64
	for _, f := range c.Fragments {
		size += f.Size
	}
	s := fmt.Sprintf("%s of %s recorded, %s, %s in %s", recorded, c.Span.Length(), counted(gaps, "gap"), units.HumanSize(float64(size)),
		counted(len(c.Fragments), "fragment"))
	if recorded > 0 {
		s += fmt.Sprintf(", %s a second on average", units.HumanSize(float64(size)/recorded.Seconds()))
	}
	return s
}

// counted says how many there are of something.
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// perSecond is what stands in a column as bytes a second.
func (c Chart) perSecond(k column) float64 { return k.bytes / (c.Span.Length().Seconds() / wide) }

// most is the highest activity of any column.
func (c Chart) most(columns []column) float64 {
	most := 0.0
	for _, k := range columns {
		most = max(most, c.perSecond(k))
	}
	return most
}

// drawActivity draws bytes a second as an area.
func (c Chart) drawActivity(b *bytes.Buffer, columns []column) {
	most := c.most(columns)
	if most == 0 {
		return
	}
	const foot = activityAt + activityUp
	fmt.Fprintf(b, `<path fill="#e69f00" d="M%d %d`, left, foot)
	last := -1
	for i, k := range columns {
		up := int(math.Round(c.perSecond(k) / most * activityUp))
		if up == last {
			continue
		}
		fmt.Fprintf(b, "H%dV%d", left+i, foot-up)
		last = up
	}
	fmt.Fprintf(b, `H%dV%dz"/>`+"\n", left+wide, foot)
}

// bars draws the columns for which is holds.
func bars(b *bytes.Buffer, columns []column, colour string, y, up int, is func(column) bool) {
	fmt.Fprintf(b, `<path fill="%s" d="`, colour)
	for i := 0; i < len(columns); {
		from := i
		for i < len(columns) && is(columns[i]) {
			i++
		}
		if i > from {
			fmt.Fprintf(b, "M%d %dh%dv%dh-%dz", left+from, y, i-from, up, i-from)
		} else {
			i++
		}
	}
	b.WriteString(`"/>` + "\n")
}

// drawAxis draws the clock.
func (c Chart) drawAxis(b *bytes.Buffer) {
	step := c.step()
	layout := "15:04"
	if step < time.Minute {
		layout = "15:04:05"
	}
	for at := range c.ticks(step) {
		x := left + int(math.Round(c.x(at)))
		fmt.Fprintf(b, `<path stroke="#000" d="M%d %dv5"/>`, x, recordedAt+recordedUp)
		text(b, x, axisAt, 12, "middle", at.In(c.Location).Format(layout))
	}
	b.WriteByte('\n')
}

// step gives how far apart labels are.
func (c Chart) step() time.Duration {
	steps := []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute,
		5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}
	if i := slices.IndexFunc(steps, func(d time.Duration) bool {
		return c.Span.Length()/d < mostFineTicks || d >= time.Minute && c.Span.Length()/d < mostTicks
	}); i >= 0 {
		return steps[i]
	}
	return 2 * time.Hour
}

// ticks yields the times at which the clock shows a multiple of step.
func (c Chart) ticks(step time.Duration) func(func(time.Time) bool) {
	return func(yield func(time.Time) bool) {
		for at := c.Span.Start.Truncate(time.Second); !at.After(c.Span.End); {
			hour, minute, second := at.In(c.Location).Clock()
			past := (time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second) % step
			if past == 0 && !at.Before(c.Span.Start) && !yield(at) {
				return
			}
			at = at.Add(min(step-past, 15*time.Minute)) // clocks change at quarters of an hour
		}
	}
}

// drawLegend says what the colours mean, and in which zone the clock is.
func (c Chart) drawLegend(b *bytes.Buffer, columns []column) {
	x := left
	for _, entry := range []struct{ fill, text string }{
		{"#0072b2", "recorded"},
		{"url(#g)", "nothing recorded"},
		{"#000", "short gap"},
		{"#e69f00", fmt.Sprintf("activity: bytes a second, %s at most", units.HumanSize(c.most(columns)))},
	} {
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="12" height="12" fill="%s" stroke="#000" stroke-width=".5"/>`, x, legendAt-10, entry.fill)
		text(b, x+17, legendAt, 12, "start", entry.text)
		x += 45 + 7*len(entry.text)
	}
	text(b, left+wide, legendAt, 12, "end", c.zone())
}

// zone says on which day and in which zone the clock is: with both offsets where it changes.
func (c Chart) zone() string {
	start, last := c.Span.Start.In(c.Location), c.Span.LastInstant().In(c.Location)
	if c.Location == time.UTC {
		return start.Format("2006-01-02 UTC")
	}
	zone := start.Format("2006-01-02 -07:00")
	if changed := last.Format("-07:00"); changed != start.Format("-07:00") {
		zone += ", then " + changed
	}
	if name := c.Location.String(); name != "" && name != "Local" {
		zone += " " + name
	}
	return zone
}

// text writes a line of text.
func text(b *bytes.Buffer, x, y, size int, anchor, s string) {
	fmt.Fprintf(b, `<text x="%d" y="%d" font-size="%d" text-anchor="%s">%s</text>`+"\n", x, y, size, anchor, escaped(s))
}

// escaped gives a text as XML has it.
func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}
