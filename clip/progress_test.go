package clip_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// TestOpeningTells: while an open waits for heads it says how many have come, more and more, and a line of the log does each second; before and
// after it says nothing, and an open whose heads are on disk says nothing at all.
func TestOpeningTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory.New()
		m.Record("cam", memory.Base(), 1800, 2*time.Second)
		time.Sleep(time.Until(memory.Base().Add(3 * time.Hour)))
		begun := time.Now()
		m.RefusePayload = func(n int) error { // four calls a second
			time.Sleep(time.Until(begun.Add(time.Duration(n) * time.Second / 4)))
			return nil
		}
		var log lockedLog
		o := clip.Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), TellOpening: time.Second}
		l, c := library(t, m, o)
		defer func() { _ = c.Close() }()
		film := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Hour))
		if got := film.Opening(); got != "" {
			t.Errorf("before the open: %q", got)
		}
		open := func() error {
			h, err := film.Open(t.Context())
			if err == nil {
				err = h.Close()
			}
			return err
		}
		opened := make(chan error, 1)
		go func() { opened <- open() }()
		last := -1
		for range 14 {
			time.Sleep(time.Second)
			var come, heads int
			// Another look-up of the clip tells the same.
			if _, err := fmt.Sscanf(lookUp(t, l, "cam", film.Span()).Opening(), "%d of %d heads", &come, &heads); err != nil || heads != 60 || come <= last {
				t.Fatalf("%q, want more than %d of 60 heads", film.Opening(), last)
			}
			last = come
		}
		if err := <-opened; err != nil {
			t.Fatal(err)
		}
		if got := film.Opening(); got != "" {
			t.Errorf("after the open: %q", got)
		}
		if got := strings.Count(log.String(), "still opening"); got < 13 || got > 16 {
			t.Errorf("%d lines in 15 s:\n%s", got, log.String())
		}
		if err := open(); err != nil {
			t.Fatal(err)
		}
	})
}
