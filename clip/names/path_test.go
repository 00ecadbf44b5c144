package names_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/names"
)

// TestFormatPath: the path of a span is short where it can be, and names that span again.
func TestFormatPath(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		grammar names.Grammar
		start   string
		length  time.Duration
		cover   bool
		want    string
	}{
		{names.Grammar{}, "2024-01-01T10:00:00Z", 10 * time.Minute, false, "cam/2024-01-01T10:00/10m.mp4"},
		{names.Grammar{}, "2024-01-01T00:00:00Z", 24 * time.Hour, true, "cam/2024-01-01T00:00/24h.cover.mp4"},
		{names.Grammar{}, "2024-01-01T10:00:07Z", 1500 * time.Millisecond, false, "cam/2024-01-01T10:00:07/1.5s.mp4"},
		{names.Grammar{Basic: true}, "2024-01-01T10:00:07.012Z", time.Minute, false, "cam/20240101T100007.012/1m.mp4"},
		{names.Grammar{Location: berlin}, "2024-01-01T10:00:00Z", time.Hour, false, "cam/2024-01-01T11:00/1h.mp4"},
		{names.Grammar{Location: berlin}, "2024-10-27T00:30:00Z", time.Hour, false, "cam/2024-10-27T02:30/1h.mp4"},
		{names.Grammar{Location: berlin}, "2024-10-27T01:30:00Z", time.Hour, false, "cam/2024-10-27T02:30+01:00/1h.mp4"},
	} {
		start, err := time.Parse(time.RFC3339Nano, test.start)
		if err != nil {
			t.Fatal(err)
		}
		span := archive.NewSpan(start, test.length)
		got := test.grammar.FormatPath("cam", span, test.cover)
		if got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
		parts := strings.Split(got, "/")
		at, err := test.grammar.ParseStart(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		if file, err := test.grammar.ParseFile(at, parts[2]); err != nil || !file.Span.Start.Equal(span.Start) || !file.Span.End.Equal(span.End) || file.Cover != test.cover {
			t.Errorf("%s reads back as %v, %v", got, file, err)
		}
	}
}

// TestSegmentNames: the name of a segment reads back as what it was written of, in any location; a bad position is no name.
func TestSegmentNames(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		span     archive.Span
		position time.Duration
		want     string
	}{
		{archive.NewSpan(at, 6*time.Second), 10 * time.Hour, "20240101T100000Z/6s.pts36000000.ts"},
		{archive.NewSpan(at, 6*time.Second), 0, "20240101T100000Z/6s.ts"},
		{archive.NewSpan(at.Add(1250*time.Millisecond), 5999*time.Millisecond), 7 * time.Millisecond, "20240101T100001.250Z/5.999s.pts7.ts"},
		{archive.NewSpan(at, 20*time.Second), time.Duration(at.UnixMilli()) * time.Millisecond, "20240101T100000Z/20s.pts1704103200000.ts"},
	} {
		got := names.FormatSegment(test.span, test.position)
		if got != test.want {
			t.Errorf("%s at %s: %q, want %q", test.span, test.position, got, test.want)
		}
		g := names.Grammar{Location: zone, Forms: []names.Form{names.Segment}}
		dir, name, _ := strings.Cut(got, "/")
		start, err := g.ParseStart(dir)
		if err != nil {
			t.Fatal(err)
		}
		file, err := g.ParseFile(start, name)
		if want := (names.File{Span: test.span, Form: names.Segment, Position: test.position}); err != nil || file != want {
			t.Errorf("%q reads as %+v, %v; want %+v", got, file, err, want)
		}
	}
	g := names.Grammar{Forms: []names.Form{names.Segment, ".json"}}
	for _, name := range []string{"6s.pts.ts", "6s.ptsx.ts", "6s.pts-1.ts", "6s.pts+1.ts", "6s.pts1s.ts", "6s.pts1.5.ts", "6s.pts1.pts2.ts",
		"6s.pts123456789012345.ts", "6s.pts0.ts", "6s.pts01.ts", "6s.PTS1.ts", "6s.pts1.mp4", "6s.pts1.json", "6s.cover.ts", "6s.cover.pts1.ts", ".pts1.ts"} {
		if file, err := g.ParseFile(archive.Start{Time: at}, name); !errors.Is(err, archive.ErrName) {
			t.Errorf("%q reads as %+v, %v", name, file, err)
		}
		if file, err := g.ParseLast(name); !errors.Is(err, archive.ErrName) {
			t.Errorf("%q reads as %+v, %v", name, file, err)
		}
	}
}
