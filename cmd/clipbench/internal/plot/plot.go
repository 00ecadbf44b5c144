// Package plot draws lines over a size, such as a number of hosts, as SVG 1.1 (W3C): both axes logarithmic, 1,200 pixels wide.
package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

const (
	width, height            = 1200, 520
	left, right, top, bottom = 110, 290, 60, 70
	fontSize                 = 16
)

// Line is one line of a plot. Points that are not positive are left out.
type Line struct {
	Name string
	X, Y []float64
}

// Plot is a title, two axes with their units, and lines.
type Plot struct {
	Title, X, Y string
	Lines       []Line
}

// style of the line of a number: colours that are told apart with any colour vision (Okabe and Ito), dashes and marks besides.
func style(i int) (colour, dash string) {
	colours := []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00"}
	dashes := []string{"", "9 5", "", "9 5", "", "9 5"}
	return colours[i%len(colours)], dashes[i%len(dashes)]
}

// scale is a logarithmic axis from one power of ten to another.
type scale struct{ low, high float64 }

func scaleOf(values []float64) scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v > 0 {
			low, high = min(low, math.Floor(math.Log10(v))), max(high, math.Ceil(math.Log10(v)))
		}
	}
	if low > high {
		low, high = 0, 1
	}
	if low == high {
		high++
	}
	return scale{low, high}
}

// at gives where a value stands, 0 to 1.
func (s scale) at(v float64) float64 { return (math.Log10(v) - s.low) / (s.high - s.low) }

// SVG draws the plot.
func (p Plot) SVG() []byte {
	var xs, ys []float64
	for _, l := range p.Lines {
		xs, ys = append(xs, l.X...), append(ys, l.Y...)
	}
	sx, sy := scaleOf(xs), scaleOf(ys)
	x := func(v float64) float64 { return left + sx.at(v)*(width-left-right) }
	y := func(v float64) float64 { return height - bottom - sy.at(v)*(height-top-bottom) }
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="sans-serif" font-size="%d">`+"\n",
		width, height, width, height, fontSize)
	fmt.Fprintf(&b, "<title>%s</title>\n<desc>%s by %s</desc>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", escaped(p.Title), escaped(p.Y), escaped(p.X), width, height)
	text(&b, left, 34, "start", 22, p.Title)
	text(&b, (left+width-right)/2, height-18, "middle", fontSize, p.X)
	fmt.Fprintf(&b, `<text transform="translate(28 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (top+height-bottom)/2, escaped(p.Y))
	for e := sx.low; e <= sx.high; e++ {
		v := math.Pow(10, e)
		fmt.Fprintf(&b, `<path stroke="#ccc" d="M%.1f %dV%d"/>`+"\n", x(v), top, height-bottom)
		text(&b, x(v), height-bottom+24, "middle", fontSize, number(v))
	}
	for e := sy.low; e <= sy.high; e++ {
		v := math.Pow(10, e)
		fmt.Fprintf(&b, `<path stroke="#ccc" d="M%d %.1fH%d"/>`+"\n", left, y(v), width-right)
		text(&b, left-10, y(v)+5, "end", fontSize, number(v))
	}
	fmt.Fprintf(&b, `<path fill="none" stroke="#000" d="M%d %dV%dH%d"/>`+"\n", left, top, height-bottom, width-right)
	for i, l := range p.Lines {
		p.draw(&b, i, l, x, y)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// draw draws a line, its marks, and its name at the right.
func (p Plot) draw(b *bytes.Buffer, i int, l Line, x, y func(float64) float64) {
	colour, dash := style(i)
	var path strings.Builder
	var marks bytes.Buffer
	for k := range l.X {
		if l.X[k] <= 0 || l.Y[k] <= 0 {
			continue
		}
		step := "L"
		if path.Len() == 0 {
			step = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", step, x(l.X[k]), y(l.Y[k]))
		fmt.Fprintf(&marks, `<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>`, x(l.X[k]), y(l.Y[k]), colour)
	}
	fmt.Fprintf(b, `<path fill="none" stroke="%s" stroke-width="2.5" stroke-dasharray="%s" d="%s"/>%s`+"\n", colour, dash, path.String(), marks.String())
	at := top + 20 + 30*i
	fmt.Fprintf(b, `<path fill="none" stroke="%s" stroke-width="2.5" stroke-dasharray="%s" d="M%d %dh40"/>`+"\n", colour, dash, width-right+20, at-5)
	text(b, width-right+70, float64(at), "start", fontSize, l.Name)
}

// number writes a power of ten.
func number(v float64) string {
	for _, unit := range []struct {
		of   float64
		name string
	}{{1e15, "P"}, {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= unit.of*0.999 {
			return strconv.FormatFloat(math.Round(v/unit.of), 'f', -1, 64) + " " + unit.name
		}
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func text(b *bytes.Buffer, x, y float64, anchor string, size int, s string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d">%s</text>`+"\n", x, y, anchor, size, escaped(s))
}

// escaped gives a text as XML has it.
func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}
