//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// TestPath: clipfs path prints a path that can be opened, in the zone and the names of the mount that it is asked about, and
// nothing else on stdout.
func TestPath(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--retention", "48h")
	m := harness.StartMount(t, e, "--timezone", "Pacific/Auckland", "--names", "basic")
	path := func(args ...string) (printed, said string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), harness.Binary(t), append([]string{"path", "--mount", m.Path, "testcard"}, args...)...)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil || strings.Count(stdout.String(), "\n") != 1 {
			t.Fatalf("%v: %v, %q, %s", args, err, stdout.String(), stderr.String())
		}
		return strings.TrimSuffix(stdout.String(), "\n"), stderr.String()
	}
	zone, err := time.LoadLocation("Pacific/Auckland")
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(-3 * time.Hour).In(zone).Truncate(time.Minute)
	for clockOf := func(at time.Time) string { return at.Format("15:04") }; clockOf(before) == clockOf(before.Add(time.Hour)) || clockOf(before) == clockOf(before.Add(-time.Hour)); {
		before = before.Add(-time.Hour) // as clocks go back its time is that of two moments
	}
	printed, said := path(before.Format("2006-01-02 15:04"), "1 min")
	if want := m.Join("testcard", before.Format("20060102T1504"), "1m.mp4"); printed != want {
		t.Errorf("got %s, want %s", printed, want)
	}
	if !strings.Contains(said, before.Format("Monday 2006-01-02 15:04:05 MST")) || !strings.Contains(said, m.Path) {
		t.Errorf("it understood %q", said)
	}
	got, err := os.ReadFile(printed)
	if err != nil {
		t.Fatal(err)
	}
	asStored(t, got, "testcard", before)
	for _, args := range [][]string{{"last 1m"}, {"now-10m", "1m"}, {"--timezone", "UTC", before.UTC().Format("2006-01-02 15:04"), "1m"}} {
		printed, _ := path(args...)
		if _, err := os.Stat(printed); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
	printed, _ = path("--timezone", "UTC", before.UTC().Format("2006-01-02 15:04"), "1m")
	text, err := os.ReadFile(strings.TrimSuffix(printed, ".mp4") + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var told struct{ Start time.Time }
	if err := json.Unmarshal(text, &told); err != nil || !told.Start.Equal(before) {
		t.Errorf("%s begins %s, %v; want %s", printed, told.Start, err, before)
	}
	if below, _ := path("last 1m"); below != m.Join("testcard", "last", "1m.mp4") || filepath.Dir(below) != m.Join("testcard", "last") {
		t.Errorf("the last minute is %s", below)
	}
}
