//go:build e2e

package e2e_test

import (
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// mountFlagsOf gives the flags of a mountpoint itself (proc(5), mountinfo, field 6) and of its file system (the last field).
func mountFlagsOf(t *testing.T, mountpoint string) (own, super []string) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 9 && fields[4] == mountpoint {
			return strings.Split(fields[5], ","), strings.Split(fields[len(fields)-1], ",")
		}
	}
	t.Fatalf("%s is not in mountinfo", mountpoint)
	return nil, nil
}

// TestMountIsRestricted: the kernel holds the mount to reading: no writes, no devices, no set-user-ID programs, no
// programs at all, and nobody else.
func TestMountIsRestricted(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e)
	own, super := mountFlagsOf(t, m.Path)
	for _, flag := range []string{"ro", "nosuid", "nodev", "noexec"} {
		if !slices.Contains(own, flag) {
			t.Errorf("mounted with %v, without %s", own, flag)
		}
	}
	if !slices.Contains(super, "ro") || slices.Contains(super, "allow_other") {
		t.Errorf("file system has %v, want ro and no allow_other", super)
	}
}

// TestCacheIsPrivate: whatever the umask, nobody else can look into the cache.
func TestCacheIsPrivate(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	for _, mask := range []int{0, 0o022, 0o077} {
		before := syscall.Umask(mask)
		cache := filepath.Join(t.TempDir(), "a", "cache")
		m := harness.StartMountWith(t, e, nil, cache)
		syscall.Umask(before)
		at := time.Now().UTC().Add(-2 * time.Hour).Truncate(time.Hour)
		for _, name := range []string{"1m.mp4", "5m.mp4", "1m.json"} {
			if _, err := os.ReadFile(m.Join("testcard", nameOf(at), name)); err != nil {
				t.Fatal(err)
			}
		}
		files := 0
		err := filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			want := fs.FileMode(0o600)
			if d.IsDir() {
				want = 0o700
			} else {
				files++
			}
			if got := info.Mode().Perm(); got != want {
				t.Errorf("umask %o: %s has mode %o, want %o", mask, path, got, want)
			}
			return nil
		})
		if err != nil || files < 6 { // the lock, sizes, hours, two payloads, heads
			t.Errorf("umask %o: %d files, %v", mask, files, err)
		}
	}
}

// TestMetricsAreForThisMachine: without a host metrics are served on loopback alone.
func TestMetricsAreForThisMachine(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e, "--metrics", ":0", "--log-format", "json")
	u, err := url.Parse(m.MetricsURL(t))
	if err != nil {
		t.Fatal(err)
	}
	if host := net.ParseIP(u.Hostname()); !host.IsLoopback() {
		t.Errorf("metrics are at %s", u.Host)
	}
}

// TestStatusIsTheOwners: of a mount that others see too, the status is for whoever mounted alone.
func TestStatusIsTheOwners(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		harness.Skip(t, "only root can be somebody else")
	}
	harness.Need(t, "setpriv")
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e, "--allow-other", "--uid", "65534", "--gid", "65534")
	for dir := m.Path; dir != "/tmp" && dir != "/"; dir = dir[:max(1, strings.LastIndexByte(dir, '/'))] {
		if dir != m.Path {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	status := m.Join(".clipfs", "status.json")
	info, err := os.Stat(status)
	if err != nil || info.Mode() != 0o400 || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Errorf("%v, %v; want 0400 of root", info, err)
	}
	if _, err := os.ReadFile(status); err != nil {
		t.Error(err)
	}
	as := func(args ...string) string {
		out, _ := exec.CommandContext(t.Context(), "setpriv", append([]string{"--reuid=65534", "--regid=65534", "--clear-groups"}, args...)...).CombinedOutput()
		return string(out)
	}
	if out := as("cat", status); !strings.Contains(out, "Permission denied") {
		t.Errorf("somebody else reads the status: %s", out)
	}
	if out := as("ls", m.Path); !strings.Contains(out, "testcard") {
		t.Errorf("somebody else does not see the mount: %s", out)
	}
}
