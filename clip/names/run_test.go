package names_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/names"
)

// TestRuns: the name of a run is read back as its span, in any zone and format, also in the hour that clocks show twice.
func TestRuns(t *testing.T) {
	for _, test := range []struct {
		zone   string
		basic  bool
		start  string
		length time.Duration
		want   string
	}{
		{"UTC", false, "2024-01-01T10:03:12.4Z", 41*time.Minute + 7*time.Second, "2024-01-01T10:03:12.400-41m7s.mp4"},
		{"UTC", true, "2024-01-01T10:03:12Z", 24 * time.Hour, "20240101T100312.000-24h.mp4"},
		{"Europe/Berlin", false, "2024-01-01T10:03:12.4Z", 1500 * time.Millisecond, "2024-01-01T11:03:12.400-1.5s.mp4"},
		{"Europe/Berlin", false, "2024-10-27T01:30:00Z", time.Minute, "2024-10-27T02:30:00.000+01:00-1m.mp4"},
		{"America/New_York", false, "2024-11-03T06:30:00Z", time.Millisecond, "2024-11-03T01:30:00.000-05:00-0.001s.mp4"},
		{"America/New_York", true, "2024-11-03T06:30:00Z", time.Hour, "20241103T013000.000-0500-1h.mp4"},
	} {
		g := names.Grammar{Location: zone(t, test.zone), Basic: test.basic}
		span := archive.NewSpan(at(t, test.start), test.length)
		got := g.FormatRun(span, names.Movie)
		if got != test.want {
			t.Errorf("%s is written %q, want %q", span, got, test.want)
		}
		file, err := g.ParseRun(g.Containing(span.Start, archive.Day), got)
		if want := (names.File{Span: span, Form: names.Movie}); err != nil || file != want {
			t.Errorf("%q is %v, %v; want %v", got, file, err, want)
		}
	}
}

// TestNoRuns: what is no name of a run, and why.
func TestNoRuns(t *testing.T) {
	g := names.Grammar{Forms: forms()}
	day, err := g.ParseStart("2024-01-01")
	if err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{
		"2024-01-01T10:03:12.400-41min.mp4|2024-01-01T10:03-25h.mp4|2024-01-01T10:03.mp4|10m.mp4|2024-01-01.json|2024-01-01T10:00-10m.mkv|2024-01-02T00:00-1m.mp4": "runs are written",
		"|.mp4|-.mp4|-10m|x-10m.mp4|.hidden|desktop.ini|2024-01-01T10:03:12.400-41m7s|runs":                                                                        "",
	} {
		for name := range strings.SplitSeq(name, "|") {
			if _, err := g.ParseRun(day, name); !errors.Is(err, archive.ErrName) {
				t.Errorf("%q: %v, want no name", name, err)
			}
			if got := g.ExplainRun(day, name); (got != "") != (says != "") || !strings.Contains(got, says) {
				t.Errorf("%q is explained as %q, want %q", name, got, says)
			}
		}
	}
	if file, err := g.ParseRun(day, "2024-01-01T23:59-1h.cover.json"); err != nil || !file.Cover || file.Form != ".json" || file.Span.Length() != time.Hour {
		t.Errorf("another form: %v, %v", file, err)
	}
}
