//go:build e2e

package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// TestCamerasWhoseClockIsOff: footage of a camera that is ahead is listed and read where it says, footage of 1970 is not
// listed, the log names the offset of each once, and so does the doctor.
func TestCamerasWhoseClockIsOff(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--quota", "off")
	createStreams(t, e, 24*30, "ahead", "far", "lost", "right")
	now := time.Now().UTC().Truncate(time.Minute)
	minutes := map[string]time.Time{
		"ahead": now.Add(5 * time.Hour), "far": now.Add(72 * time.Hour), "lost": time.Unix(0, 0).UTC().Add(26 * time.Hour), "right": now.Add(-time.Hour),
	}
	for stream, at := range minutes {
		put(t, e, stream, at, time.Minute)
	}
	m := harness.StartMount(t, e)
	for stream, at := range minutes {
		day, minute := at.Format(time.DateOnly), at.Format("2006-01-02T15:04")
		for range 2 {
			entries, err := os.ReadDir(m.Join(stream))
			if err != nil {
				t.Fatal(err)
			}
			listed := slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == day })
			if listed != (stream != "lost") || !listed && len(entries) != 0 {
				t.Errorf("%s lists %v; want %s there: %t", stream, entries, day, stream != "lost")
			}
		}
		if stream == "lost" {
			continue
		}
		path := m.Join(stream, day, minute[:len("2006-01-02T15")], minute, "1m.mp4")
		if clips, err := filepath.Glob(m.Join(stream, "*", "*", "*", "1m.mp4")); err != nil || !slices.Equal(clips, []string{path}) {
			t.Errorf("%s: clips %v, %v; want %s", stream, clips, err, path)
		}
		if got, err := os.Readlink(m.Join(stream, "latest")); err != nil || got != minute {
			t.Errorf("%s: latest is %s, %v; want %s", stream, got, err, minute)
		}
		if err := exact(path, recorded(t, at, time.Minute)); err != nil {
			t.Errorf("%s: %v", stream, err)
		}
	}
	for stream, want := range map[string]string{"ahead": "5h", "far": "72h", "lost": "behind"} {
		said := 0
		for line := range strings.Lines(m.Log()) {
			if strings.Contains(line, "stream="+stream) && strings.Contains(line, "--timestamps server") && strings.Contains(line, want) {
				said++
			}
		}
		if said != 1 {
			t.Errorf("%s: %d warnings of %q, want one\n%s", stream, said, want, m.Log())
		}
		out, _, err := harness.TryRun(t, harness.Binary(t), "doctor", "--endpoint-url", e.Endpoint, "--cache-dir", t.TempDir(), "--stream", stream, "--json")
		if err == nil || !strings.Contains(string(out), `"clock of the cameras"`) || !strings.Contains(string(out), "--timestamps server") {
			t.Errorf("doctor of %s: %v, says\n%s", stream, err, out)
		}
	}
	if got := strings.Count(m.Log(), "--timestamps server"); got != 3 {
		t.Errorf("%d warnings of three cameras:\n%s", got, m.Log())
	}
}
