//go:build e2e

package e2e_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// TestOneRefusalOfAListing: whatever refuses one listing, a clip of ten minutes is whole or an error, and never what one call
// brings.
func TestOneRefusalOfAListing(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--retention", "5h")
	m := harness.StartMount(t, e, "--read-timeout", "9s", "--cache-size", "200MB")
	for i, test := range []struct {
		rule string
		want []syscall.Errno
	}{
		{"kind=status,status=401", []syscall.Errno{syscall.EIO}},
		{"kind=status,status=403", []syscall.Errno{0, syscall.EIO}}, // a new data endpoint may answer
		{"kind=expired", []syscall.Errno{syscall.EACCES}},
		{"kind=denied", []syscall.Errno{0}}, // the one that says so
	} {
		from := faultMinute().Add(-time.Duration(i) * 20 * time.Minute)
		path := m.Join("testcard", nameOf(from), "10m.mp4")
		e.Fault(t, test.rule+",api=ListFragments,count=1")
		content, err := os.ReadFile(path)
		if !slices.Contains(test.want, errnoOf(t, err)) {
			t.Errorf("%s: got %d bytes, %v, want %v", test.rule, len(content), err, test.want)
		}
		if err != nil {
			if content, err = readSoon(path); err != nil {
				t.Errorf("%s: when it was over: %v", test.rule, err)
				continue
			}
		}
		copied := filepath.Join(t.TempDir(), "copy.mp4")
		if err := os.WriteFile(copied, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := exact(copied, stored(t, "testcard=testcard", from, from.Add(10*time.Minute))); err != nil {
			t.Errorf("%s: %v", test.rule, err)
		}
	}
}

// TestWithoutAListing: with GetClip alone clips are whole, at a call a minute, which the log says; what needs a listing is
// EACCES with the reason, and directories list nothing.
func TestWithoutAListing(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--retention", "5h", "--fault", "kind=denied,api=ListFragments")
	m := harness.StartMount(t, e)
	from := faultMinute()
	dir := m.Join("testcard", nameOf(from))
	path := filepath.Join(dir, "15m.mp4")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.mp4")
	if err := os.WriteFile(copied, content, 0o600); err != nil {
		t.Fatal(err)
	}
	sameFrames(t, copied, stored(t, "testcard=testcard", from, from.Add(15*time.Minute)))
	if got := callsOf(t, e, "testcard"); got["GetClip"] != 15 || got["ListFragments"] != 1 || got["DescribeStream"] > 1 {
		t.Errorf("%v, want 15 GetClip and one ListFragments", got)
	}
	if !m.Logs("up to 15 GetClip calls") || !strings.Contains(xattr(t, path, "user.clipfs.note"), "up to 15 GetClip calls") {
		t.Error("what it costs is not told")
	}
	for _, list := range []string{m.Join("testcard"), dir, m.Join("testcard", "last")} {
		if entries, err := os.ReadDir(list); err != nil || len(entries) != 0 {
			t.Errorf("%s lists %v, %v; want nothing", list, entries, err)
		}
	}
	for _, denied := range []string{m.Join("testcard", "latest"), m.Join("testcard", "last", "10m.mp4"), filepath.Join(dir, "15m.json"), filepath.Join(dir, "15m.srt"), filepath.Join(dir, "15m.vtt"), filepath.Join(dir, "15m.svg")} {
		if _, err := os.Lstat(denied); !errors.Is(err, unix.EACCES) {
			t.Errorf("%s: %v, want EACCES", denied, err)
		}
		line := regexp.MustCompile("level=WARN msg=failed op=[a-z]+ path=" + regexp.QuoteMeta(strings.TrimPrefix(denied, m.Path+"/")) + " .*ListFragments")
		m.Logs(strings.TrimPrefix(denied, m.Path+"/") + " errno=")
		if got := len(line.FindAllString(m.Log(), -1)); got != 1 {
			t.Errorf("%s: %d warnings in the log, want one", denied, got)
		}
	}
	if reason := xattr(t, m.Join("testcard"), "user.clipfs.error"); !strings.Contains(reason, "kinesisvideo:ListFragments") {
		t.Errorf("the reason is %q", reason)
	}
	if got := callsOf(t, e, "testcard"); got["GetClip"] != 15 || got["ListFragments"] > 2 {
		t.Errorf("%v after looking around", got)
	}
}
