//go:build e2e

package main_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"clipfs/cmd/internal/harness"
	"clipfs/fs/mountinfo"

	"golang.org/x/sys/unix"
)

// holder is the process that uses a cache directory.
func holder(t *testing.T, cache string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(cache, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	pid, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// gone reports whether a process has ended.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestDaemon(t *testing.T) {
	e := testcard(t)
	dir := t.TempDir()
	mountpoint, cache, log := filepath.Join(dir, "mnt"), filepath.Join(dir, "cache"), filepath.Join(dir, "log")
	if err := os.Mkdir(mountpoint, 0o755); err != nil {
		t.Fatal(err)
	}
	// Relative paths: programs are run in the root directory.
	args := []string{"mount", "--daemon", "--endpoint-url", e.Endpoint, "--cache-min-free", "0", "--cache-dir", cache[1:], "--log-file", log[1:]}
	watch(t, mountpoint)
	_, stderr, err := harness.TryRun(t, harness.Binary(t), append(args, mountpoint[1:])...)
	if err != nil || len(stderr) > 0 {
		t.Fatalf("mount --daemon: %v, %s", err, stderr)
	}
	if entries, err := os.ReadDir(mountpoint); err != nil || len(entries) == 0 {
		t.Errorf("the mount has %v, %v as soon as the command has returned", entries, err)
	}
	pid := holder(t, cache)
	session, err := unix.Getsid(pid)
	if err != nil || session != pid {
		t.Errorf("the process is in session %d, %v; want one of its own", session, err)
	}
	for link, want := range map[string]string{"cwd": "/", "fd/0": os.DevNull, "fd/1": os.DevNull, "fd/2": log} {
		if got, err := os.Readlink(fmt.Sprintf("/proc/%d/%s", pid, link)); got != want || err != nil {
			t.Errorf("%s of the process is %s, %v; want %s", link, got, err, want)
		}
	}
	if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); string(name) != "clipfs\n" || err != nil {
		t.Errorf("the process is called %q, %v", name, err)
	}
	_, stderr, err = harness.TryRun(t, harness.Binary(t), append(args, mountpoint)...)
	if exitCode(err) != failed {
		t.Errorf("a second one: %v, want exit code %d", err, failed)
	}
	wantLine(t, string(stderr), "clipfs mount: ", "already")
	_, stderr, err = harness.TryRun(t, harness.Binary(t), append(args, filepath.Dir(harness.Binary(t)))...)
	if exitCode(err) != failed {
		t.Errorf("a directory that is not empty: %v, want exit code %d", err, failed)
	}
	wantLine(t, string(stderr), "clipfs mount: ", "not empty")
	harness.Run(t, harness.Binary(t), "umount", mountpoint)
	eventually(t, "the process has ended", func() bool { return gone(pid) })
	text, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(text), "msg=serving") || !strings.Contains(string(text), "unmounted from outside") {
		t.Errorf("the log has %q, %v", text, err)
	}
	_, stderr, err = harness.TryRun(t, harness.Binary(t), append(args, "--connections", "0", mountpoint)...)
	if exitCode(err) != usage {
		t.Errorf("a flag that is found wrong late: %v, want exit code %d", err, usage)
	}
	wantLine(t, string(stderr), "clipfs mount: ", "--connections")
}

// usage is the exit code of a command that was called wrongly.
const usage = 2

// watch makes sure that a mount that a process in the background serves is gone when the test is over.
func watch(t *testing.T, mountpoint string) {
	t.Helper()
	harness.Watch(t, mountpoint)
	t.Cleanup(func() {
		if _, err := mountinfo.Find(mountpoint); err == nil {
			if err := unix.Unmount(mountpoint, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		}
	})
}
