package moment_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/names"
	"clipfs/cmd/clipfs/internal/moment"
)

// zone loads a time zone.
func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// TestParse: with the clock at 2026-11-29 12:34:56.789 UTC, a Sunday.
func TestParse(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 34, 56, 789e6, time.UTC)
	for _, test := range []struct {
		zone string
		// texts mean the instant, to the precision.
		texts string
		want  string
		to    archive.Precision
	}{
		{"UTC", "yesterday 10:00|Yesterday  10:00|yesterday at 10:00|yesterday 10am|yesterday 10:00am|2026-11-28T10:00|20261128T1000|" +
			"2026-11-28 10:00|saturday 10:00|sat 10am|last saturday 10:00|1 day ago 10:00|2026-11-28T12:00+02:00|2026-11-28 12:00+02:00|" +
			"yesterday 10:00Z", "2026-11-28T10:00:00Z", archive.Minute},
		{"UTC", "yesterday|2026-11-28|saturday|Sat|1 day ago|1d ago", "2026-11-28T00:00:00Z", archive.Day},
		{"UTC", "today|2026-11-29|sunday", "2026-11-29T00:00:00Z", archive.Day},
		{"UTC", "last sunday|7 days ago|1 week ago", "2026-11-22T00:00:00Z", archive.Day},
		{"UTC", "10:00|today 10:00|today 10am|sunday 10:00|10:00 am", "2026-11-29T10:00:00Z", archive.Minute},
		{"UTC", "13:00|1pm|1:00pm|saturday 13:00", "2026-11-28T13:00:00Z", archive.Minute}, // 13:00 of today is to come
		{"UTC", "today 13:00", "2026-11-29T13:00:00Z", archive.Minute},
		{"UTC", "sunday 13:00|sun 1pm", "2026-11-22T13:00:00Z", archive.Minute},
		{"UTC", "tomorrow", "2026-11-30T00:00:00Z", archive.Day},
		{"UTC", "monday 9:30|mon 09:30|6 days ago 9:30|last monday 9:30am", "2026-11-23T09:30:00Z", archive.Minute},
		{"UTC", "noon|12:00|12pm|today noon", "2026-11-29T12:00:00Z", archive.Minute},
		{"UTC", "midnight|0:00|12am", "2026-11-29T00:00:00Z", archive.Minute},
		{"UTC", "9:30:05|9:30:05am", "2026-11-29T09:30:05Z", archive.Second},
		{"UTC", "yesterday 9:30:05.5", "2026-11-28T09:30:05.5Z", archive.Millisecond},
		{"UTC", "now", "2026-11-29T12:34:56Z", archive.Second},
		{"UTC", "now-10m|now - 10m|now -10 minutes|10m ago|10 minutes ago|10min ago", "2026-11-29T12:24:56Z", archive.Second},
		{"UTC", "now-36h|36 hours ago|36h ago", "2026-11-28T00:34:56Z", archive.Second},
		{"UTC", "now-1d", "2026-11-28T12:34:56Z", archive.Second},
		{"UTC", "1.5h ago|1h30m ago|now-90m", "2026-11-29T11:04:56Z", archive.Second},

		{"Europe/Berlin", "yesterday 10:00", "2026-11-28T09:00:00Z", archive.Minute},
		{"Europe/Berlin", "2026-07-01 10:00", "2026-07-01T08:00:00Z", archive.Minute},
		{"Europe/Berlin", "2026-10-25 02:30", "2026-10-25T00:30:00Z", archive.Minute}, // the first of two
		{"Europe/Berlin", "2026-10-25 02:30+01:00", "2026-10-25T01:30:00Z", archive.Minute},
		{"Europe/Berlin", "35 days ago|2026-10-25", "2026-10-24T22:00:00Z", archive.Day}, // of 25 hours
		{"Europe/Berlin", "34 days ago 0:30", "2026-10-25T23:30:00Z", archive.Minute},
		{"America/New_York", "today", "2026-11-29T05:00:00Z", archive.Day},
		{"Pacific/Auckland", "today|monday", "2026-11-29T11:00:00Z", archive.Day}, // where it is Monday already
		{"Pacific/Auckland", "yesterday 23:00", "2026-11-29T10:00:00Z", archive.Minute},
		{"Asia/Kolkata", "2026-11-28T10Z", "2026-11-28T10:00:00Z", archive.Hour},
	} {
		g := names.Grammar{Location: zone(t, test.zone)}
		for text := range strings.SplitSeq(test.texts, "|") {
			m, err := moment.Parse(text, now, g)
			if err != nil {
				t.Errorf("%s in %s: %v", text, test.zone, err)
				continue
			}
			if got := m.Start.Time.UTC().Format(time.RFC3339Nano); got != test.want || m.Start.Precision != test.to || m.Last != 0 {
				t.Errorf("%s in %s: got %s to %d, want %s to %d", text, test.zone, got, m.Start.Precision, test.want, test.to)
			}
		}
	}
	for text := range strings.SplitSeq("last 5m|the last 5 minutes|Last 5 min|last 300s", "|") {
		if m, err := moment.Parse(text, now, names.Grammar{}); err != nil || m.Last != 5*time.Minute {
			t.Errorf("%s: got %v, %v", text, m, err)
		}
	}
}

// TestParseRefuses: nothing is guessed.
func TestParseRefuses(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 34, 56, 0, time.UTC)
	g := names.Grammar{Location: zone(t, "Europe/Berlin")}
	const texts = "| |garage|yesterday foo|yesterday 10:00 foo|foo yesterday|yesterday 25:00|yesterday 10:75|yesterday 10|10|10:0|100:00|" +
		"2026-02-30 10:00|2026-13-01|1.2.2026|02/01/2026|now-|now+10m|now-10|now10m|ago|10 ago|last|last 5|last 25h|last week|" +
		"13am|0pm|noon yesterday|yesterday today|monday tuesday|10:00 11:00|-5m ago|5m ago 10:00|2 days|days ago|1.5 days ago 10:00|" +
		"2026-03-29 02:30|yesterday 10:00+|yesterday 10:00+25:00|5m5m ago|30s1h ago|99999999999 days ago|next monday|mondays"
	for text := range strings.SplitSeq(texts, "|") {
		m, err := moment.Parse(text, now, g)
		if !errors.Is(err, moment.ErrText) && !errors.Is(err, archive.ErrName) {
			t.Errorf("%q: got %v, %v; want an error", text, m, err)
		}
	}
	if _, err := moment.Parse("2026-03-29 02:30", now, g); err == nil || !strings.Contains(err.Error(), "does not occur in Europe/Berlin") {
		t.Errorf("a time that is skipped: %v", err)
	}
	if m, err := moment.Parse("2026-10-25 02:30", now, g); err != nil || !strings.Contains(m.Note, "2026-10-25T02:30+01:00") {
		t.Errorf("a time that occurs twice: %+v, %v", m, err)
	}
	if m, err := moment.Parse("2026-10-25 03:30", now, g); err != nil || m.Note != "" {
		t.Errorf("a time that occurs once: %+v, %v", m, err)
	}
}

// TestLength: lengths as people write them, and what is none.
func TestLength(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"10m": 10 * time.Minute, "10 min": 10 * time.Minute, "10 Minutes": 10 * time.Minute, "1h30m": 90 * time.Minute,
		"1 hour 30 minutes": 90 * time.Minute, "1.5h": 90 * time.Minute, "90s": 90 * time.Second, "0.25s": 250 * time.Millisecond,
		"24h": 24 * time.Hour, "1d": 24 * time.Hour, "": 0, "10": 0, "m": 0, "0m": 0, "-1m": 0, "10x": 0, "1m1h": 0, "1m1m": 0, "1..5h": 0, "25h": 0, "2d": 0,
	} {
		got, err := moment.ClipLength(text)
		if got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: got %s, %v; want %s", text, got, err, want)
		}
	}
}
