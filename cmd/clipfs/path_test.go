package main_test

import (
	"strings"
	"testing"
)

// TestPathWithoutMount: a relative path, in UTC and saying so, whatever zone the text was meant in. The rest of the texts
// are in the tests of package moment, with a fixed clock.
func TestPathWithoutMount(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
		says string
	}{
		{[]string{"2026-11-28 10:00", "10m"}, "cam/2026-11-28T10:00Z/10m.mp4", "Saturday 2026-11-28 10:00:00 UTC, 10m"},
		{[]string{"2026-11-28", "90 minutes"}, "cam/2026-11-28T00:00Z/1h30m.mp4", "1h30m"},
		{[]string{"2026-11-28"}, "cam/2026-11-28Z", "Saturday 2026-11-28 00:00:00 UTC"},
		{[]string{"2026-11-28 10:00"}, "cam/2026-11-28T10:00Z", "relative"},
		{[]string{"last 5 minutes"}, "cam/last/5m.mp4", "5m up to the newest footage"},
		{[]string{"--timezone", "Asia/Kolkata", "2026-11-28 10:00", "1h"}, "cam/2026-11-28T04:30Z/1h.mp4", "10:00:00 IST"},
		{[]string{"--timezone", "Asia/Kolkata", "2026-11-28"}, "cam/2026-11-27T18:30Z", "Saturday 2026-11-28 00:00:00 IST"},
		{[]string{"--names", "basic", "2026-11-28 10:00:05", "1m"}, "cam/20261128T100005Z/1m.mp4", "10:00:05"},
		{[]string{"--timezone", "Europe/Berlin", "2026-10-25 02:30", "1m"}, "cam/2026-10-25T00:30Z/1m.mp4", "occurs twice"},
		{[]string{"2999-01-01"}, "cam/2999-01-01Z", "nothing is recorded yet"},
	} {
		args := append([]string{"path", "--mount", "none", "cam"}, test.args...)
		code, stdout, stderr := invoke(t, args...)
		if code != 0 || stdout != test.want+"\n" {
			t.Errorf("%q: exit code %d, %q, want %q", test.args, code, stdout, test.want)
		}
		wantLine(t, stderr, test.says)
		if strings.Contains(stderr, test.want) {
			t.Errorf("%q: stderr has the path too: %s", test.args, stderr)
		}
	}
	if code, _, stderr := invoke(t, "path", "--mount", t.TempDir(), "cam", "yesterday"); code != 1 || !strings.Contains(stderr, "no clipfs mount") {
		t.Errorf("on what is no mount: exit code %d, %s", code, stderr)
	}
}
