package names_test

import (
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
