//go:build e2e

package e2e_test

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// TestNamesThatAreNone: what is meant as a time or a length and is none is ENOENT, costs no call, and is explained in one
// line; what programs look for everywhere is not. A start in the future is an empty directory that says so.
func TestNamesThatAreNone(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e, "--log-level", "info")
	start := m.Join("testcard", nameOf(time.Now().UTC().Add(-time.Hour)))
	if _, err := os.ReadDir(start); err != nil {
		t.Fatal(err)
	}
	before := e.Counts(t)
	says := map[string]string{
		"10min.mp4": "lengths are written 10m, 1h30m, up to 24h", "25h.mp4": "over 24 h", "10m.mkv": "clips end in .mp4",
		"../2024-1-1": "starts are written 2024-01-01", "../yesterday": "clipfs path", "../T1000": "starts are written",
		"../last/5.mp4": "lengths are written", "../5m.mp4": "in last/",
	}
	silent := []string{".hidden", "desktop.ini", "../.Trash-0", "../autorun.inf", "../last/folder.jpg", "10m.nfo", "../../.xdg-volume-info"}
	for range 3 {
		for name := range says {
			silent = append(silent, name)
		}
	}
	for _, name := range silent {
		if _, err := os.Stat(start + "/" + name); !errors.Is(err, syscall.ENOENT) {
			t.Errorf("%s: %v, want ENOENT", name, err)
		}
	}
	future := m.Join("testcard", time.Now().UTC().AddDate(0, 0, 2).Format("2006-01-02"))
	if entries, err := os.ReadDir(future); err != nil || len(entries) > 0 {
		t.Errorf("a day in the future: %v, %v", entries, err)
	}
	if note := xattr(t, future, "user.clipfs.note"); !strings.Contains(note, "nothing is recorded yet") {
		t.Errorf("its note: %q", note)
	}
	for name, reason := range says {
		base := name[strings.LastIndexByte(name, '/')+1:]
		if !m.Logs(base + ": ") {
			t.Errorf("%s is not explained", base)
		}
		if n := strings.Count(m.Log(), `msg="`+base+": "); n != 1 {
			t.Errorf("%s is explained %d times", base, n)
		}
		_, line, _ := strings.Cut(m.Log(), `msg="`+base+": ")
		if line, _, _ = strings.Cut(line, "\n"); !strings.Contains(line, reason) {
			t.Errorf("%s: %s, want %q", base, line, reason)
		}
	}
	m.Logs("nothing is recorded yet")
	if n := strings.Count(m.Log(), `msg="`+future[len(future)-10:]+": nothing is recorded yet"); n != 1 {
		t.Errorf("that nothing is recorded yet is said %d times:\n%s", n, m.Log())
	}
	for _, word := range []string{"hidden", "desktop", "Trash", "autorun", "folder", ".nfo", "xdg"} {
		if strings.Contains(m.Log(), word) {
			t.Errorf("the log has %q:\n%s", word, m.Log())
		}
	}
	if after := e.Counts(t); len(after) > len(before)+1 { // DescribeStream, for the stream
		t.Errorf("names that are none cost calls: %v, before %v", after, before)
	}
}
