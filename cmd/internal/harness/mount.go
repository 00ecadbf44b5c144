package harness

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/child"

	"clipfs/cmd/internal/fuseconn"
	"clipfs/fs/mountinfo"
)

// watchdogAfter is how long a test with a mount may take before its FUSE connection is aborted, if watchdogVariable says
// nothing else.
const watchdogAfter = 10 * time.Minute

// watchdogVariable is for tests that are told to run for longer.
const watchdogVariable = "E2E_WATCHDOG"

func watchdog(t testing.TB) time.Duration {
	t.Helper()
	text := os.Getenv(watchdogVariable)
	if text == "" {
		return watchdogAfter
	}
	after, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("%s: %v", watchdogVariable, err)
	}
	return after
}

// passthroughVariable says how mounts are made of which the test does not say it: auto or off.
const passthroughVariable = "E2E_PASSTHROUGH"

func passthroughFlags() []string {
	if mode := os.Getenv(passthroughVariable); mode != "" {
		return []string{"--passthrough", mode}
	}
	return nil
}

// servingLine is what the log says once a mount serves.
const servingLine = "serving"

// Mount is "clipfs mount" in a process of its own.
type Mount struct {
	// Path is the mountpoint.
	Path    string
	Cache   string
	process *child.Process
}

// StartMount mounts an emulator's streams in a fresh directory, with a fresh cache, and waits until that is done.
func StartMount(t testing.TB, e *Emulator, args ...string) *Mount {
	t.Helper()
	return StartMountWith(t, e, nil, t.TempDir(), args...)
}

// StartMountWith is StartMount with a cache directory of the caller's and variables for the environment.
func StartMountWith(t testing.TB, e *Emulator, env []string, cache string, args ...string) *Mount {
	t.Helper()
	m := &Mount{Path: filepath.Join(t.TempDir(), "mnt"), Cache: cache}
	if err := os.Mkdir(m.Path, 0o755); err != nil {
		t.Fatal(err)
	}
	m.start(t, e, env, args)
	return m
}

// Remount mounts where a mount was that has ended, with its cache.
func Remount(t testing.TB, old *Mount, e *Emulator, args ...string) *Mount {
	t.Helper()
	m := &Mount{Path: old.Path, Cache: old.Cache}
	m.start(t, e, nil, args)
	return m
}

func (m *Mount) start(t testing.TB, e *Emulator, env, args []string) {
	t.Helper()
	NeedFUSE(t)
	ctx, cancel := context.WithCancel(context.Background())
	fuseconn.Watch(ctx, m.Path, watchdog(t), func(err error) { t.Errorf("watchdog: %v", err) })
	all := append([]string{"mount", "--endpoint-url", e.Endpoint, "--cache-dir", m.Cache, "--log-level", "debug",
		"--cache-min-free", "0", // however full the disk of this machine is
		"--grace", "2s"}, passthroughFlags()...) // a test that leaves a file open is not waited for
	all = append(all, args...)
	m.process = start(t, Binary(t), env, append(all, m.Path)...)
	t.Cleanup(func() { // runs before the process is stopped
		cancel()
		if !m.process.Ended() {
			m.Stop(t, syscall.SIGINT)
		}
	})
	if err := m.process.AwaitReady(ctx, servingLine); err != nil || !m.Mounted(t) {
		t.Fatalf("not mounted: %v\n%s", err, m.process.Tail())
	}
}

// Watch aborts the FUSE connection of a mountpoint if the test takes too long. Nothing need be mounted yet.
func Watch(t testing.TB, mountpoint string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	fuseconn.Watch(ctx, mountpoint, watchdogAfter, func(err error) { t.Errorf("watchdog: %v", err) })
	t.Cleanup(cancel)
}

// Mounted reports whether the mount is in the table of mounts.
func (m *Mount) Mounted(t testing.TB) bool {
	t.Helper()
	info, err := mountinfo.Find(m.Path)
	return err == nil && strings.HasPrefix(info.FSType, "fuse")
}

// Stop ends the mount with a signal: it has to detach itself and exit with 0.
func (m *Mount) Stop(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := m.process.Stop(signal); err != nil {
		t.Error(err)
	}
	if m.process.Err != nil {
		t.Errorf("mount ended with %v", m.process.Err)
	}
	if m.Mounted(t) {
		t.Errorf("%s is still mounted", m.Path)
		if err := syscall.Unmount(m.Path, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}
}

// Signal sends the mount a signal and does not wait.
func (m *Mount) Signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := m.process.Cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// Ended reports whether the mount's process has ended.
func (m *Mount) Ended() bool { return m.process.Ended() }

// WaitEnd waits until the mount's process has ended, with exit code 0.
func (m *Mount) WaitEnd(t testing.TB) {
	t.Helper()
	switch {
	case !m.process.AwaitEnd():
		t.Error("the mount has not ended")
	case m.process.Err != nil:
		t.Errorf("mount ended with %v", m.process.Err)
	}
}

// Kill ends the mount as a crash does. The mountpoint stays behind, stale, until it is mounted again or unmounted.
func (m *Mount) Kill(t testing.TB) {
	t.Helper()
	if err := m.process.Stop(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// HoldLog takes nothing more of what the process writes to stderr until release is called.
func (m *Mount) HoldLog() (release func()) {
	return m.process.HoldLog()
}

// Log is what the mount has written to stderr so far.
func (m *Mount) Log() string { return m.process.Log() }

// Logs waits a moment for the mount to have written something to stderr, and reports whether it has.
func (m *Mount) Logs(text string) bool {
	return m.process.Await(context.Background(), text, 5*time.Second) == nil
}

// PID is the process that serves the mount.
func (m *Mount) PID() int { return m.process.Cmd.Process.Pid }

// Join gives the path of something on the mount.
func (m *Mount) Join(elements ...string) string {
	return filepath.Join(append([]string{m.Path}, elements...)...)
}
