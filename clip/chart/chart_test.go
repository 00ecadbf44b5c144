package chart_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/chart"
)

// day gives a day of fragments of 2 s, without those that start in some spans.
func day(start time.Time, length time.Duration, without ...archive.Span) []archive.Fragment {
	var all []archive.Fragment
	for at := start; at.Before(start.Add(length)); at = at.Add(2 * time.Second) {
		missing := false
		for _, s := range without {
			missing = missing || s.Contains(at)
		}
		if !missing {
			size := 200_000 + int64(at.Hour())*30_000
			all = append(all, archive.Fragment{Producer: at, Length: 2 * time.Second, Size: size})
		}
	}
	return all
}

// parse reads a picture as XML and gives its text.
func parse(t *testing.T, svg []byte) string {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	var text strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := token.(xml.CharData); ok {
			text.Write(c)
		}
	}
}

// TestDay: a day of 43,200 fragments with gaps is small, and says what is in it.
func TestDay(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones")
	}
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, berlin)
	span := archive.NewSpan(start, 24*time.Hour)
	svg := chart.Chart{
		Title: "front-door <1>, 2024-01-01", Span: span, Rule: archive.GapRule{Min: time.Second}, Location: berlin,
		Fragments: day(span.Start, 24*time.Hour, archive.NewSpan(span.Start.Add(3*time.Hour), 2*time.Hour),
			archive.NewSpan(span.Start.Add(14*time.Hour), 10*time.Second)),
	}.SVG()
	if path := os.Getenv("CLIPFS_TEST_CHART"); path != "" {
		if err := os.WriteFile(path, svg, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if len(svg) > 60_000 {
		t.Errorf("%d bytes", len(svg))
	}
	text := parse(t, svg)
	for _, want := range []string{"front-door <1>, 2024-01-01", "21h59m50s of 24h0m0s recorded, 2 gaps", "00:00", "23:00", "2024-01-01 +01:00 Europe/Berlin"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
}

// TestWorst: a picture is bounded whatever the footage is.
func TestWorst(t *testing.T) {
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	var fragments []archive.Fragment
	for i := range 86_400 / 3 {
		at := start.Add(time.Duration(i) * 3 * time.Second)
		fragments = append(fragments, archive.Fragment{Producer: at, Length: time.Second, Size: int64(i * 7919 % 1_000_003)})
	}
	c := chart.Chart{Span: archive.NewSpan(start, 24*time.Hour), Rule: archive.GapRule{Min: time.Second / 2}, Fragments: fragments}
	if svg := c.SVG(); len(svg) > 60_000 {
		t.Errorf("%d bytes", len(svg))
	}
	for _, length := range []time.Duration{time.Second, time.Minute, 90 * time.Minute} {
		c.Span = archive.NewSpan(start, length)
		c.Fragments = fragments[:1]
		parse(t, c.SVG())
	}
	c.Fragments = nil
	parse(t, c.SVG())
}

// TestClockChange: on the day on which clocks go on, the axis has each hour that there is once.
func TestClockChange(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones")
	}
	start := time.Date(2024, 3, 31, 0, 0, 0, 0, berlin)
	text := parse(t, chart.Chart{Span: archive.NewSpan(start, 23*time.Hour), Location: berlin}.SVG())
	if !strings.Contains(text, "2024-03-31 +01:00, then +02:00 Europe/Berlin") {
		t.Errorf("no change of zone in %s", text)
	}
	text = strings.ReplaceAll(text, "+02:00", "")
	if strings.Contains(text, "02:00") || strings.Count(text, "03:00") != 1 || strings.Count(text, "00:00") != 2 {
		t.Errorf("%s", text)
	}
}
