package clip_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// TestNotes: a sentence about a clip belongs to its version, not to the look-up that learned it; it is noted and logged once.
func TestNotes(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 60, 2*time.Second)
	var log bytes.Buffer
	l, _ := library(t, m, clip.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	first := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute))
	other := lookUp(t, l, "cam", archive.NewSpan(memory.Base().Add(time.Minute), time.Minute))
	if got := first.Note(); got != "" {
		t.Errorf("a note before anything was found: %q", got)
	}
	for range 3 {
		clip.Remark(first, "one\n fragment is missing")
		clip.Remark(lookUp(t, l, "cam", first.Span()), "a second sound track is left out")
		clip.Remark(first, " ")
	}
	const want = "one fragment is missing\na second sound track is left out"
	if got := lookUp(t, l, "cam", first.Span()).Note(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := other.Note(); got != "" {
		t.Errorf("another clip has %q", got)
	}
	if got := strings.Count(log.String(), "level=INFO msg=\"unusual footage\""); got != 2 {
		t.Errorf("%d lines for two sentences:\n%s", got, log.String())
	}
}

// TestNotesAreBounded: neither many sentences nor long ones outgrow an extended attribute.
func TestNotesAreBounded(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 60, 2*time.Second)
	l, _ := library(t, m, clip.Options{})
	c := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute))
	for i := range 1000 {
		clip.Remark(c, fmt.Sprint(i, strings.Repeat("ä", 1000)))
	}
	got := strings.Split(c.Note(), "\n")
	if len(got) != 16 || !strings.HasPrefix(got[0], "0ä") || !strings.HasSuffix(got[0], "ä…") || len(got[0]) > 512 {
		t.Errorf("%d sentences, the first of %d bytes: %q", len(got), len(got[0]), got[0])
	}
}
