//go:build e2e

package e2e_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// TestEmulatorKilled: when the archive goes away in the middle of a read, the read fails within the deadline; when it
// is back, the same handle reads on.
func TestEmulatorKilled(t *testing.T) {
	t.Parallel() // it waits for the most part
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--bandwidth", "300kB/s")
	m := harness.StartMount(t, e, "--read-timeout", "5s")
	path := m.Join("testcard", nameOf(time.Now().UTC().Add(-2*time.Hour).Truncate(time.Minute)), "5m.mp4")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 50_000)
	if _, err := io.ReadFull(f, head); err != nil {
		t.Fatal(err)
	}
	e.Kill(t)
	begun := time.Now()
	tail := make([]byte, 4096)
	if _, err := f.ReadAt(tail, 700_000); !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("got %v, want ETIMEDOUT", err)
	}
	if took := time.Since(begun); took > 20*time.Second { // 5 s, and room for a machine that is busy
		t.Errorf("the read failed after %s", took)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("stat while the archive is away: %v", err)
	}
	e.Restart(t)
	if _, err := f.ReadAt(tail, 700_000); err != nil {
		t.Errorf("the archive is back: %v", err)
	}
	all, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(all[:len(head)], head) || !bytes.Equal(all[700_000:704_096], tail) {
		t.Errorf("the file is not the one that was begun: %v", err)
	}
}

// TestInterrupt: a caller that waits for a silent archive can be interrupted and killed, in whatever call it waits, and
// others are not held up.
func TestInterrupt(t *testing.T) {
	t.Parallel() // it waits for the most part
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--latency", "60s")
	m := harness.StartMount(t, e)
	path := m.Join("testcard", nameOf(time.Now().UTC().Add(-time.Hour).Truncate(time.Minute)), "1m.mp4")
	for name, args := range map[string][]string{"lookup": {"stat", path}, "readlink": {"readlink", m.Join("testcard", "latest")}, "readdir": {"ls", m.Join("testcard")}} {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
			freed(t, name, signal, args...)
		}
	}
	if _, err := os.ReadDir(m.Path); err != nil { // ListStreams is no data call and not slow
		t.Errorf("while others wait: %v", err)
	}
}

// TestInterruptRead: the same for OPEN and READ.
func TestInterruptRead(t *testing.T) {
	t.Parallel() // it waits for the most part
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--bandwidth", "50kB/s")
	m := harness.StartMount(t, e)
	path := m.Join("testcard", nameOf(time.Now().UTC().Add(-time.Hour).Truncate(time.Minute)), "1m.mp4")
	if _, err := os.Stat(path); err != nil { // so that what waits is not the listing
		t.Fatal(err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		freed(t, "open", signal, "cat", path)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		freed(t, "read", signal, "tail", "-c", "1000", path)
	}
	if _, err := io.ReadFull(f, make([]byte, 1000)); err != nil {
		t.Errorf("while others wait: %v", err)
	}
}

// freed starts a program, lets it come to wait, sends it a signal and checks that it ends within a second.
func freed(t *testing.T, what string, signal syscall.Signal, args ...string) {
	t.Helper()
	bestOf(t, what+", "+signal.String(), freedWithin, busyMachine, func(int) time.Duration {
		t.Helper()
		cmd := exec.Command(args[0], args[1:]...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			_ = cmd.Wait() // a signal ends it
			close(done)
		}()
		select {
		case <-done:
			t.Errorf("%s: did not wait for the archive", what)
			return 0
		case <-time.After(700 * time.Millisecond):
		}
		begun := time.Now()
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			t.Errorf("%s: not freed by %s", what, signal)
			_ = cmd.Process.Kill()
		}
		return time.Since(begun)
	})
}

// TestCrash: a mount that was killed leaves a mountpoint that can be mounted again at once, and a cache that still
// serves what was whole.
func TestCrash(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	cache := t.TempDir()
	from := time.Now().UTC().Add(-time.Hour).Truncate(time.Minute)
	first := harness.StartMountWith(t, e, nil, cache)
	want, err := os.ReadFile(first.Join("testcard", nameOf(from), "1m.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	// The last bytes are served before the entry is whole on disk.
	eventually(t, "nothing is missing on disk", func() bool {
		return xattr(t, first.Join("testcard", nameOf(from), "1m.mp4"), "user.clipfs.missing") == "0"
	})
	first.Kill(t)
	second := harness.Remount(t, first, e)
	got, err := os.ReadFile(second.Join("testcard", nameOf(from), "1m.mp4"))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("after the crash: %d bytes, %v; want the same %d", len(got), err, len(want))
	}
	if n := e.Calls(t, "GetClip"); n != 1 {
		t.Errorf("%d GetClip calls, want 1", n)
	}
}
