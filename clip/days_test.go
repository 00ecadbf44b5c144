package clip_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive/memory"
	"clipfs/clip/names"
)

// TestCostOfDays: what the days of a stream, and its newest footage, cost in ListFragments calls: at most twelve more than
// there are days with footage, whatever is kept before and behind it, in whatever order the service lists.
func TestCostOfDays(t *testing.T) {
	all := func(from, to int) (days []int) { // days ago
		for d := from; d >= to; d-- {
			days = append(days, d)
		}
		return days
	}
	everyOther := func(from, to int) []int {
		return slices.DeleteFunc(all(from, to), func(d int) bool { return d%2 == 1 })
	}
	for _, test := range []struct {
		name   string
		days   []int
		sparse bool
		most   int // calls more than days
	}{
		{"nothing", nil, false, 12},
		{"today", all(0, 0), false, 12},
		{"three weeks", all(20, 0), false, 12},
		{"all", all(389, 0), false, 12},
		{"a year ago", all(380, 370), false, 12},
		{"until last week", all(30, 7), false, 12},
		{"three runs", slices.Concat(all(300, 290), all(100, 90), all(10, 0)), false, 12},
		{"every other day, a few minutes", everyOther(380, 0), true, 12},
		{"every other day", everyOther(380, 0), false, 12}, // a page tells of eleven days
	} {
		for _, ordered := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					now := time.Date(2026, 6, 3, 12, 0, 0, 0, time.UTC)
					time.Sleep(time.Until(now))
					m := memory.New()
					m.Retention, m.Ordered, m.Page = 390*24*time.Hour, ordered, 100*time.Millisecond
					m.Recorded["cam"] = nil
					var want []string
					for _, ago := range test.days {
						at := now.Add(-time.Duration(ago)*24*time.Hour - 30*time.Minute)
						want = append(want, at.Format(time.DateOnly))
						if test.sparse {
							m.Record("cam", at, 3, 10*time.Second)
						} else {
							m.Record("cam", at, 90, 19*time.Second)
						}
					}
					l, c := library(t, m, clip.Options{})
					defer func() { _ = c.Close() }()
					list := func() int {
						_, lists, probes := m.Calls()
						begun := time.Now()
						days, err := l.Days(t.Context(), "cam")
						if got := namesOf(names.Grammar{}, days); err != nil || got != strings.Join(want, " ") {
							t.Fatalf("got %q, %v; want %q", got, err, want)
						}
						if took := time.Since(begun); took > 6*time.Second {
							t.Errorf("took %v, at 100 ms a call", took)
						}
						if len(want) > 0 {
							if latest, err := l.Latest(t.Context(), "cam"); err != nil || latest.Format(time.DateOnly) != want[len(want)-1] {
								t.Errorf("latest %v, %v", latest, err)
							}
						}
						_, lists2, probes2 := m.Calls()
						return lists2 + probes2 - lists - probes
					}
					cold := list()
					t.Logf("ordered %t: %d calls for %d days", ordered, cold, len(want))
					if cold > len(want)+test.most {
						t.Errorf("%d calls for %d days", cold, len(want))
					}
					edge := 0 // the last hour is asked for again after two seconds
					if time.Since(now) > 2*time.Second {
						edge = 1
					}
					if again := list(); again > edge {
						t.Errorf("%d calls at the second time", again)
					}
				})
			})
		}
	}
}

// TestOlderDay: where no day within --list-days has footage the newest older one is listed, and the log says so once.
func TestOlderDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Date(2026, 6, 3, 12, 0, 0, 0, time.UTC)
		time.Sleep(time.Until(now))
		m := memory.New()
		m.Retention, m.Ordered = 3000*24*time.Hour, true
		for _, ago := range []int{2500, 900, 899, 610} {
			m.Record("cam", now.Add(-time.Duration(ago)*24*time.Hour), 800, 2*time.Second)
		}
		var log bytes.Buffer
		l, c := library(t, m, clip.Options{ListDays: 400, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		defer func() { _ = c.Close() }()
		for range 2 {
			days, err := l.Days(t.Context(), "cam")
			if want := now.Add(-610 * 24 * time.Hour).Format(time.DateOnly); err != nil || namesOf(names.Grammar{}, days) != want {
				t.Fatalf("got %q, %v; want %s", namesOf(names.Grammar{}, days), err, want)
			}
			time.Sleep(2 * time.Minute)
		}
		if got := strings.Count(log.String(), "--list-days"); got != 1 || strings.Contains(log.String(), "level=WARN") {
			t.Errorf("logged %d times: %s", got, log.String())
		}
		if _, lists, probes := m.Calls(); lists+probes > 2*24 {
			t.Errorf("%d calls for two listings", lists+probes)
		}
	})
}
