package names_test

import (
	"errors"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/names"
)

func TestParseStill(t *testing.T) {
	at := time.Date(2024, 1, 1, 10, 7, 30, 0, time.UTC)
	for name, want := range map[string]time.Time{
		"2024-01-01T10:07:30.jpg":       at,
		"20240101T100730Z.jpg":          at,
		"2024-01-01T12:07:30+02:00.jpg": at,
		"2024-01-01T10:07:30.250.jpg":   at.Add(250 * time.Millisecond),
		"2024-01-01T10:07.jpg":          at.Add(-30 * time.Second),
		"2024-01-01.jpg":                at.Truncate(24 * time.Hour),
	} {
		if got, err := (names.Grammar{}).ParseStill(name); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %s, %v, want %s", name, got, err, want)
		}
	}
	for _, name := range []string{"2024-01-01T10:07:30", "2024-01-01T10:07:30.JPG", "2024-01-01T10:07:30.png", ".jpg", "10m.jpg", "2024-13-01.jpg", "cover.jpg"} {
		if got, err := (names.Grammar{}).ParseStill(name); !errors.Is(err, archive.ErrName) {
			t.Errorf("%s: got %s, %v, want ErrName", name, got, err)
		}
	}
}
