package clip_test

import (
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/names"
)

// TestRuns: the runs of a day have each fragment that starts in it once, in one clip each, whatever lies around its borders.
func TestRuns(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, day string
		record    func(m *memory.Archive, day time.Time)
		want      []string
	}{
		{"none", "2024-01-01", func(*memory.Archive, time.Time) {}, nil},
		{"gaps", "2024-01-01", func(m *memory.Archive, day time.Time) {
			m.Record("cam", day.Add(10*time.Hour+3*time.Minute+12400*time.Millisecond), 1234, 2*time.Second)
			m.Record("cam", day.Add(12*time.Hour), 1, 2*time.Second)
			m.Record("cam", day.Add(12*time.Hour+4*time.Second), 2, 2*time.Second)
		}, []string{"2024-01-01T10:03:12.400-41m8s.mp4", "2024-01-01T12:00:00.000-2s.mp4", "2024-01-01T12:00:04.000-4s.mp4"}},
		{"over both borders", "2024-01-01", func(m *memory.Archive, day time.Time) {
			m.Record("cam", day.Add(-5*time.Second), 4, 10*time.Second)
			m.Record("cam", day.Add(24*time.Hour-15*time.Second), 4, 10*time.Second)
		}, []string{"2024-01-01T00:00:05.000-30s.mp4", "2024-01-01T23:59:45.000-15s.mp4"}},
		{"a day without a gap", "2024-01-01", func(m *memory.Archive, day time.Time) {
			m.Record("cam", day, 8640, 10*time.Second)
		}, []string{"2024-01-01T00:00:00.000-24h.mp4"}},
		{"25 hours without a gap", "2024-10-27", func(m *memory.Archive, day time.Time) {
			m.Record("cam", day.Add(-5*time.Second), 9010, 10*time.Second)
		}, []string{"2024-10-27T00:00:05.000-24h.mp4", "2024-10-27T23:00:05.000-59m55s.mp4"}},
		{"footage that overlaps", "2024-01-01", func(m *memory.Archive, day time.Time) {
			m.Record("cam", day.Add(time.Hour), 10, 10*time.Second)
			m.Upload("cam", day.Add(time.Hour+5*time.Second), 10, 10*time.Second, day.Add(2*time.Hour))
		}, []string{"2024-01-01T01:00:00.000-1m44.96s.mp4"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := memory.New()
			m.Recorded["cam"] = nil
			l, c := library(t, m, clip.Options{Grammar: names.Grammar{Location: berlin}})
			defer func() { _ = c.Close() }()
			day, err := l.Grammar().ParseStart(test.day)
			if err != nil {
				t.Fatal(err)
			}
			test.record(m, day.Time)
			runs, err := l.Runs(t.Context(), "cam", day)
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			for i, run := range runs {
				name := l.Grammar().FormatRun(run, names.Movie)
				if i >= len(test.want) || name != test.want[i] {
					t.Errorf("run %d is %s, want %q", i, name, test.want)
				}
				if i > 0 && run.Start.Before(runs[i-1].End) || run.Length() > archive.MaxSpan || run.End.After(l.Grammar().Period(day).End) {
					t.Errorf("run %d: %s, after %s", i, run, runs[max(0, i-1)])
				}
				clip, err := l.Clip(t.Context(), "cam", run)
				if err != nil {
					t.Fatal(err)
				}
				if !clip.First().Equal(run.Start) {
					t.Errorf("the clip of %s begins at %s", run, clip.First())
				}
				found += clip.Fragments()
			}
			inDay := 0
			for _, f := range m.Recorded["cam"] {
				if l.Grammar().Period(day).Contains(f.Producer) {
					inDay++
				}
			}
			if len(runs) != len(test.want) || found != inDay {
				t.Errorf("%d runs with %d fragments, want %d with %d", len(runs), found, len(test.want), inDay)
			}
		})
	}
}
