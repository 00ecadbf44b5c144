//go:build e2e

package main_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
	"clipfs/fs/mountinfo"
)

// noMountBelow checks that a demo has left neither a mount nor its directory.
func noMountBelow(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the demo's directory after it: %v, want %v", err, os.ErrNotExist)
	}
	all, err := mountinfo.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.Mountpoint == dir {
			t.Errorf("%s is still mounted", dir)
		}
	}
}

func TestDemoOnce(t *testing.T) {
	harness.NeedFUSE(t)
	dir := filepath.Join(t.TempDir(), "demo's dir")
	out := string(harness.Run(t, harness.Binary(t), "demo", "--once", dir))
	for _, word := range []string{dir, "listed  testcard/", "1m.mp4", "read    testcard/", "H.264 320x180", "AAC 32000 Hz", "1m0s"} {
		if !strings.Contains(out, word) {
			t.Errorf("the demo does not say %q:\n%s", word, out)
		}
	}
	if !strings.HasPrefix(out, "http://127.0.0.1:") {
		t.Errorf("the demo does not begin with where its page is:\n%s", out)
	}
	for _, word := range []string{"Ctrl-C", "Try", "ffprobe", "mpv", "cp "} {
		if strings.Contains(out, word) {
			t.Errorf("the demo says %q of a mount that is gone:\n%s", word, out)
		}
	}
	noMountBelow(t, dir)
}

func TestDemoKeepsADirectoryThatWasThere(t *testing.T) {
	harness.NeedFUSE(t)
	dir := t.TempDir()
	harness.Run(t, harness.Binary(t), "demo", "--once", dir)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("the directory after the demo: %v, %v; want it empty", entries, err)
	}
}

func TestDemoStaysUntilInterrupted(t *testing.T) {
	harness.NeedFUSE(t)
	harness.Need(t, "ffprobe")
	dir := filepath.Join(t.TempDir(), "demo")
	cmd := exec.CommandContext(t.Context(), harness.Binary(t), "demo", dir)
	cmd.Dir = "/"
	cmd.WaitDelay = 10 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) })
	defer watchdog.Stop()
	probe, play := "", ""
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.Contains(lines.Text(), "Ctrl-C") {
		if command := strings.TrimSpace(lines.Text()); strings.HasPrefix(command, "mpv ") {
			play = command
		}
		if command := strings.TrimSpace(lines.Text()); strings.HasPrefix(command, "ffprobe") {
			probe = command
		}
	}
	if probe == "" || !strings.HasSuffix(play, "/testcard/last/5m.mp4'") {
		t.Errorf("the demo suggests %q and %q, want ffprobe, and mpv of last/5m.mp4", probe, play)
	} else {
		harness.Run(t, "sh", "-c", probe) // a suggestion has to work as it is
		harness.Run(t, "sh", "-c", "ffprobe -v error"+strings.TrimPrefix(play, "mpv"))
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the demo ended with %v", err)
	}
	noMountBelow(t, dir)
}

func TestDemoNeedsAParentDirectory(t *testing.T) {
	harness.NeedFUSE(t)
	code, _, stderr := invoke(t, "demo", "--once", filepath.Join(t.TempDir(), "no", "such"))
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	wantLine(t, stderr, "parent directory")
}
