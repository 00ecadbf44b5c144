//go:build e2e

package e2e_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/names"
	"clipfs/cmd/internal/harness"

	"github.com/google/go-cmp/cmp"
)

// TestRuns: the files of a day's runs have each coded frame of the day once, in order, from its first fragment to its last, and are
// all that a walk meets with --list runs; "warm" takes each. Other names in the directory resolve or are none.
func TestRuns(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--quota", "off")
	createStreams(t, e, 24*10, "cam", "other")
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	grammar := names.Grammar{Location: kolkata}
	day := grammar.Containing(time.Now().Add(-48*time.Hour), archive.Day)
	at := func(after time.Duration) time.Time { return day.Time.Add(after) }
	put(t, e, "cam", at(-30*time.Second), time.Minute) // over midnight
	put(t, e, "cam", at(5*time.Hour), 14*time.Minute)  // of many parts
	put(t, e, "cam", at(7*time.Hour), 2*time.Second)
	put(t, e, "cam", at(7*time.Hour+4*time.Second), 10*time.Second)
	put(t, e, "cam", at(24*time.Hour-20*time.Second), time.Minute)
	put(t, e, "other", at(-48*time.Hour), 2*time.Second)
	date := grammar.FormatStart(day.Time, archive.Day)
	want := []string{"T00:00:00.000-30s", "T05:00:00.000-14m", "T07:00:00.000-2s", "T07:00:04.000-10s", "T23:59:40.000-20s"}
	lengths := []time.Duration{30 * time.Second, 14 * time.Minute, 2 * time.Second, 10 * time.Second, 20 * time.Second}
	for i, name := range want {
		want[i] = date + "/runs/" + date + name + ".mp4"
	}
	m := harness.StartMount(t, e, "--timezone", "Asia/Kolkata", "--list", "runs")
	if got := filesOf(t, m.Join("cam")); !slices.Equal(slices.DeleteFunc(got, func(path string) bool { return !strings.HasPrefix(path, date) }), want) {
		t.Errorf("listed (-want +got):\n%s", cmp.Diff(want, got))
	}
	if got := e.Calls(t, "GetClip"); got != 0 {
		t.Errorf("walking cost %d GetClip calls", got)
	}
	for i, path := range want {
		from, err := grammar.ParseStart(strings.TrimPrefix(path, date+"/runs/")[:len("2006-01-02T15:04:05.000")])
		if err != nil {
			t.Fatal(err)
		}
		sameFrames(t, m.Join("cam", path), recorded(t, from.Time, lengths[i]))
	}
	out, errs, err := harness.TryRun(t, harness.Binary(t), "warm", "--dry-run", m.Join("cam", date))
	if err != nil || !strings.Contains(string(out), "5 clips") {
		t.Errorf("warm: %s%s, %v", out, errs, err)
	}
	runs := m.Join("cam", date, "runs")
	for name, errno := range map[string]error{
		date + "T05:01-90s.mp4": nil, date + "T05:01-90s.json": nil, date + "T07:00:04.000-10s.srt": nil, strings.ReplaceAll(date, "-", "") + "T0500-14m.mp4": nil,
		date + "T09:00-1m.mp4": syscall.ENOENT, date + "T05:01-90min.mp4": syscall.ENOENT, "10m.mp4": syscall.ENOENT, "x": syscall.ENOENT,
		"../" + date + "T05/runs": syscall.ENOENT, "../../runs": syscall.ENOENT,
	} {
		if _, err := os.Stat(runs + "/" + name); !errors.Is(err, errno) {
			t.Errorf("%s: %v, want %v", name, err, errno)
		}
	}
	if !m.Logs("90min.mp4: runs are written") {
		t.Error("the log does not say how runs are written")
	}
}
