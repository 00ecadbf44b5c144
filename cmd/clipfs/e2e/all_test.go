//go:build e2e

package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// TestAllStreams: the directory of a span of all streams has a link to the clip of each that has footage then, for one call a stream, and
// none the second time. One that cannot be asked is left out and logged. Beyond a thousand streams it says what to do.
func TestAllStreams(t *testing.T) {
	t.Parallel()
	const count = 100
	var args []string
	for i := range count {
		args = append(args, "--stream", fmt.Sprintf("cam-%03d=testcard", i))
	}
	e := harness.StartEmulator(t, append(args, "--quota", "off", "--fault", "api=ListFragments,stream=cam-007,kind=denied")...)
	createStreams(t, e, 24, "dark")
	m := harness.StartMount(t, e, "--metadata-ttl", "10m")
	start := time.Now().UTC().Add(-3 * time.Hour).Format("2006-01-02T15:04")
	dir := m.Join("@", start, "10m")
	before := e.Calls(t, "ListFragments")
	for _, most := range []int64{count + 1, 0} {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != count-1 {
			t.Fatalf("%d links, %v; want %d", len(entries), err, count-1)
		}
		for _, entry := range entries {
			target, err := os.Readlink(filepath.Join(dir, entry.Name()))
			if want := "../../../" + strings.TrimSuffix(entry.Name(), ".mp4") + "/" + start + "/10m.mp4"; err != nil || target != want {
				t.Errorf("%s leads to %q, %v; want %q", entry.Name(), target, err, want)
			}
		}
		now := e.Calls(t, "ListFragments")
		if now-before > most {
			t.Errorf("%d ListFragments calls, want at most %d", now-before, most)
		}
		before = now
	}
	if !m.Logs("cam-007: left out") {
		t.Error("the log does not say what is left out")
	}
	through, err := os.ReadFile(filepath.Join(m.Join("@", start, "1m"), "cam-042.mp4"))
	straight, straightErr := os.ReadFile(m.Join("cam-042", start, "1m.mp4"))
	if err != nil || straightErr != nil || !bytes.Equal(through, straight) {
		t.Errorf("through the link %d bytes, %v; want %d, %v", len(through), err, len(straight), straightErr)
	}
	for _, name := range []string{"@/" + start + "/10min", "@/yesterday", "@/" + start + "/10m/dark.mp4", "@/" + start + "/10m/none.mp4", "@/" + start + "/10m/cam-001.json", "@/1999-01-01/1m/cam-001.mp4"} {
		if _, err := os.Lstat(m.Join(name)); !errors.Is(err, syscall.ENOENT) {
			t.Errorf("%s: %v, want ENOENT", name, err)
		}
	}
	if out := string(harness.Run(t, "ls", "-a", m.Path)); strings.Contains(out, "@") {
		t.Errorf("the root lists %s", out)
	}
	more := make([]string, 1000-count)
	for i := range more {
		more[i] = fmt.Sprintf("more-%03d", i)
	}
	createStreams(t, e, 24, more...)
	m = harness.StartMount(t, e)
	if _, err := os.ReadDir(m.Join("@", start, "10m")); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("beyond a thousand streams: %v, want EFBIG", err)
	}
	if reason := xattr(t, m.Join("@", start, "10m"), "user.clipfs.error"); !strings.Contains(reason, "--stream-prefix") || !m.Logs("--stream-prefix") {
		t.Errorf("the reason: %q", reason)
	}
	m = harness.StartMount(t, e, "--stream-prefix", "cam-")
	if entries, err := os.ReadDir(m.Join("@", start, "10m")); err != nil || len(entries) != count-1 {
		t.Errorf("with a prefix: %d links, %v", len(entries), err)
	}
}
