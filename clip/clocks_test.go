package clip_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/names"
)

// TestClocks: footage of a camera whose clock is ahead is listed where it says, at once and an hour later; a mount whose own
// clock is behind shows what is newest; footage of times that are not kept is not listed. What is wrong is logged once a
// stream, and nothing where nothing is.
func TestClocks(t *testing.T) {
	const length, hours = 20 * time.Second, 6
	for _, test := range []struct {
		name string
		// camera is how far the camera's clock is ahead of the service's, service how far that is ahead of this machine's.
		camera, service time.Duration
		days            string
		warning         []string
	}{
		{"right", 0, 0, "2026-06-03", nil},
		{"half a minute ahead", 30 * time.Second, 0, "2026-06-03", nil},
		{"5 h ahead", 5 * time.Hour, 0, "2026-06-03", []string{"camera's clock is ahead", "stream=cam", "ahead=5h0m0s", "--timestamps server"}},
		{"3 days ahead", 72 * time.Hour, 0, "2026-06-06", []string{"camera's clock is ahead", "stream=cam", "ahead=72h0m0s", "--timestamps server"}},
		{"1970", -494_000 * time.Hour, 0, "", []string{"camera's clock is behind", "stream=cam", "behind=494000h", "--timestamps server"}},
		{"this machine 2 min behind", 0, 2 * time.Minute, "2026-06-03", []string{"this machine's clock is behind"}},
		{"this machine 5 h behind", 0, 5 * time.Hour, "2026-06-03", []string{"this machine's clock is behind"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(time.Date(2026, 6, 3, 12, 0, 0, 0, time.UTC)))
				m := memory.New()
				m.Retention, m.Ordered = 30*24*time.Hour, true
				upload := func(from time.Duration, hours int) {
					arrival := time.Now().Add(from + test.service)
					m.Upload("cam", arrival.Add(test.camera), hours*int(time.Hour/length), length, arrival)
				}
				upload(-hours*time.Hour, hours)
				var log bytes.Buffer
				l, c := library(t, m, clip.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo}))})
				defer func() { _ = c.Close() }()
				for range 2 {
					checkClocks(t, l, test.days, time.Now().Add(test.camera+test.service-length))
					time.Sleep(time.Hour)
					upload(-time.Hour, 1)
				}
				warned := strings.Count(log.String(), "level=WARN")
				if (len(test.warning) == 0) != (warned == 0) || warned > 1 {
					t.Errorf("%d warnings:\n%s", warned, log.String())
				}
				for _, want := range test.warning {
					if !strings.Contains(log.String(), want) {
						t.Errorf("the log does not say %q:\n%s", want, log.String())
					}
				}
			})
		})
	}
}

// checkClocks checks what is listed of a stream whose newest fragment starts at a time, or of one that lists nothing.
func checkClocks(t *testing.T, l *clip.Library, days string, newest time.Time) {
	t.Helper()
	got, err := l.Days(t.Context(), "cam")
	if err != nil || namesOf(names.Grammar{}, got) != days {
		t.Fatalf("days %q, %v; want %q", namesOf(names.Grammar{}, got), err, days)
	}
	if days == "" {
		return
	}
	if latest, err := l.Latest(t.Context(), "cam"); err != nil || !latest.Equal(newest) {
		t.Errorf("latest: got %v, %v; want %v", latest, err, newest)
	}
	if last, err := l.Last(t.Context(), "cam", 10*time.Minute); err != nil || last.Fragments() != 30 {
		t.Errorf("the last ten minutes: %v", err)
	}
	hours, err := l.DayHours(t.Context(), "cam", got[len(got)-1])
	if err != nil || len(hours) == 0 {
		t.Fatalf("hours %v, %v", hours, err)
	}
	hour := hours[len(hours)-1]
	if want := newest.Truncate(time.Hour); !hour.Time.Equal(want) {
		t.Errorf("last hour %v, want %v", hour.Time, want)
	}
	minutes, err := l.Minutes(t.Context(), "cam", hour)
	if want := newest.Truncate(time.Minute); err != nil || len(minutes) == 0 || !minutes[len(minutes)-1].Time.Equal(want) {
		t.Errorf("last of %d minutes, %v; want %v", len(minutes), err, want)
	}
}

// TestCostOfClocks: that clocks are right costs a call in a MetadataTTL, and nothing for what is over.
func TestCostOfClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 6, 3, 12, 30, 0, 0, time.UTC)))
		m := memory.New()
		m.Record("cam", time.Now().Add(-3*time.Hour), 3*180, 20*time.Second)
		l, c := library(t, m, clip.Options{MetadataTTL: time.Minute})
		defer func() { _ = c.Close() }()
		probes := func(do func()) int {
			_, _, before := m.Calls()
			do()
			_, _, after := m.Calls()
			return after - before
		}
		past := archive.NewSpan(time.Now().Add(-2*time.Hour), 10*time.Minute)
		if got := probes(func() { lookUp(t, l, "cam", past) }); got != 0 {
			t.Errorf("a clip of the past costs %d looks at clocks", got)
		}
		edge := archive.NewSpan(time.Now().Add(-time.Minute), 10*time.Minute)
		for want := 1; want >= 0; want-- {
			if got := probes(func() { lookUp(t, l, "cam", edge) }); got != want {
				t.Errorf("a clip of now costs %d looks at clocks, want %d", got, want)
			}
		}
	})
}
