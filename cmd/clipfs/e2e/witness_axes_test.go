//go:build e2e

package e2e_test

import (
	"flag"
	"fmt"
	"slices"
	"testing"
)

// witnessFull asks for the full product of the axes instead of all pairs.
//
//nolint:gochecknoglobals // a flag of the test's binary
var witnessFull = flag.Bool("witness.full", false, "try the full product of the witness's axes, not all pairs of them")

// witnessAxis is one way in which cases differ.
type witnessAxis struct {
	name   string
	values []string
}

// The places of the axes in a case.
const (
	axisPicture = iota
	axisSound
	axisLayout
	axisTimescale
	axisSpan
	axisGaps
	axisSyncs
	axisOdd
)

// witnessAxes are the ways in which cases differ. The last is what is odd in payloads.
func witnessAxes() []witnessAxis {
	return []witnessAxis{
		{"picture", witnessPictures()},
		{"sound", []string{"AAC", "AAC leads", "none", "short"}},
		{"moov", []string{"first", "last", "chunked"}},
		{"timescale", []string{"1000", "90000", "12800"}},
		{"span", []string{"one part", "many", "gap"}},
		{"--gaps", []string{"close", "keep"}},
		{"stss", []string{"keys", "idr"}},
		{"odd", append([]string{""}, witnessOdds()...)},
	}
}

// witnessOdds are the kinds of payload that are unusual. testdata/witness_write.py says what they are.
func witnessOdds() []string {
	return []string{
		"two-edits", "signed", "mdats", "size0", "large", "mvex", "tracks", "entry", "free", "twice", "sound-before", "sound-after",
		"more-before", "more-after", "fewer-first", "fewer-last",
	}
}

// witnessCase is the number of a value of each axis.
type witnessCase [axisOdd + 1]int

// value gives a case's value of an axis.
func (c witnessCase) value(axis int) string { return witnessAxes()[axis].values[c[axis]] }

// possible reports whether values of two axes can be together: what is odd about sound wants some, and an open group of
// pictures has no edit that could be two.
func (c witnessCase) possible() bool {
	switch odd := c.value(axisOdd); odd {
	case "sound-before", "sound-after":
		return c.value(axisSound) != "none"
	case "two-edits":
		return !slices.Contains([]string{"h264 B open", "hevc open"}, c.value(axisPicture))
	}
	return true
}

// witnessCases gives the cases: each pair of values of two axes is in one of them where nothing is odd, and each odd kind
// is in one of each span. The same cases each time.
func witnessCases() []witnessCase {
	axes := witnessAxes()
	if *witnessFull {
		return fullProduct(axes)
	}
	seen := make(map[[4]int]bool)
	var cases []witnessCase
	for a := range axisOdd {
		for b := a + 1; b < axisOdd; b++ {
			for i := range axes[a].values {
				for j := range axes[b].values {
					if !seen[[4]int{a, i, b, j}] {
						cases = append(cases, fillCase(axes, seen, map[int]int{a: i, b: j, axisOdd: 0}))
					}
				}
			}
		}
	}
	for odd := range axes[axisOdd].values[1:] {
		for span := range axes[axisSpan].values {
			cases = append(cases, fillCase(axes, seen, map[int]int{axisSpan: span, axisOdd: odd + 1}))
		}
	}
	return cases
}

// fillCase gives a case with some values given, in which as many pairs as can be are new, axis by axis, and notes them.
func fillCase(axes []witnessAxis, seen map[[4]int]bool, given map[int]int) witnessCase {
	var c witnessCase
	fixed := make([]bool, len(axes))
	for axis, value := range given {
		c[axis], fixed[axis] = value, true
	}
	news := func(axis int) (n int) {
		for other := range axes {
			if fixed[other] && other != axis && !seen[pairOf(c, axis, other)] {
				n++
			}
		}
		return n
	}
	for axis := range axes {
		if fixed[axis] {
			continue
		}
		best, most := 0, -1
		for turn := range axes[axis].values {
			// Where all are as good, the values take turns.
			c[axis] = (turn + len(seen)) % len(axes[axis].values)
			fixed[axis] = true
			if n := news(axis); n > most && c.possible() {
				best, most = c[axis], n
			}
		}
		c[axis] = best
	}
	for a := range axes {
		for b := range a {
			seen[pairOf(c, a, b)] = true
		}
	}
	return c
}

// pairOf gives the pair of values of two axes.
func pairOf(c witnessCase, a, b int) [4]int {
	a, b = min(a, b), max(a, b)
	return [4]int{a, c[a], b, c[b]}
}

// fullProduct gives every case in which nothing is odd, and each odd kind with every picture and span.
func fullProduct(axes []witnessAxis) []witnessCase {
	cases := []witnessCase{{}}
	for axis := range axisOdd {
		var next []witnessCase
		for _, c := range cases {
			for value := range axes[axis].values {
				c[axis] = value
				next = append(next, c)
			}
		}
		cases = next
	}
	for odd := range axes[axisOdd].values[1:] {
		for picture := range axes[axisPicture].values {
			for span := range axes[axisSpan].values {
				c := cases[(odd*97+picture*31+span*7)%len(cases)]
				c[axisPicture], c[axisSpan], c[axisOdd] = picture, span, odd+1
				if !c.possible() {
					c[axisSound] = 0
				}
				if c.possible() {
					cases = append(cases, c)
				}
			}
		}
	}
	return cases
}

// TestWitnessCases: every pair of values is in a case, every odd kind in each span, and there are not too many.
func TestWitnessCases(t *testing.T) {
	cases, axes := witnessCases(), witnessAxes()
	seen := make(map[string]bool)
	for _, c := range cases {
		if !c.possible() {
			t.Errorf("%v cannot be", c)
		}
		for a := range axes {
			for b := range a {
				if a < axisOdd && c[axisOdd] == 0 || a == axisOdd {
					seen[fmt.Sprint(pairOf(c, a, b))] = true
				}
			}
		}
	}
	missing := func(a, i, b, j int) {
		if !seen[fmt.Sprint([4]int{a, i, b, j})] {
			t.Errorf("no case has %q and %q", axes[a].values[i], axes[b].values[j])
		}
	}
	for a := range axisOdd {
		for b := a + 1; b < axisOdd; b++ {
			for i := range axes[a].values {
				for j := range axes[b].values {
					missing(a, i, b, j)
				}
			}
		}
	}
	for odd := range axes[axisOdd].values {
		for span := range axes[axisSpan].values {
			missing(axisSpan, span, axisOdd, odd)
		}
	}
	if len(cases) > 150 && !*witnessFull {
		t.Errorf("%d cases", len(cases))
	}
	t.Logf("%d cases", len(cases))
}
