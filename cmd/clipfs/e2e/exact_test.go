//go:build e2e

package e2e_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// trusting are programs that trust a size from before they open a file. Each copies all files of a directory, $1, into another, $2.
func trusting() map[string]string {
	return map[string]string{
		"python3": `python3 -c 'import sys, tarfile
with tarfile.open(sys.argv[2] + "/a.tar", "w") as t: t.add(sys.argv[1], arcname=".")' "$1" "$2" && tar -xf "$2/a.tar" -C "$2" && rm "$2/a.tar"`,
		"busybox": `busybox tar -cf "$2/a.tar" -C "$1" . && tar -xf "$2/a.tar" -C "$2" && rm "$2/a.tar"`,
		"cpio":    `cd "$1" && find . -type f | cpio -o -H newc >"$2/a.cpio" && cd "$2" && cpio -i -d <a.cpio && rm a.cpio`,
		"rclone":  `rclone --config /dev/null copy "$1" "$2"`,
		"restic":  `export RESTIC_PASSWORD=x RESTIC_CACHE_DIR="$2/c" && cd "$1" && restic -q -r "$2/r" init && restic -q -r "$2/r" backup . && restic -q -r "$2/r" restore latest --target "$2" && rm -r "$2/r" "$2/c"`,
	}
}

// copyWith runs one of them.
func copyWith(t *testing.T, script, from, to string) error {
	t.Helper()
	_, stderr, err := harness.TryRun(t, "sh", "-c", "set -e; exec 2>&1; "+script, "sh", from, to)
	if err != nil {
		return fmt.Errorf("%w: %s", err, stderr)
	}
	return nil
}

// TestExactSizes: with --exact-sizes programs that trust a size from before they open a file copy it right, cold, at first touch, for
// the one call that opening it takes.
func TestExactSizes(t *testing.T) {
	t.Parallel()
	harness.Need(t, "python3", "busybox", "cpio", "rclone", "restic", "tar")
	e := harness.StartEmulator(t, "--stream", "door=testcard", "--quota", "off", "--latency", "50ms")
	m := harness.StartMount(t, e, "--exact-sizes", "--list", "minutes")
	at := time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Minute)
	for program, script := range trusting() {
		at = at.Add(time.Minute)
		dir, to, before := m.Join("door", at.Format("2006-01-02T15:04")), t.TempDir(), e.Calls(t, "GetClip")
		if err := copyWith(t, script, dir, to); err != nil {
			t.Errorf("%s: %v", program, err)
			continue
		}
		if calls := e.Calls(t, "GetClip") - before; calls != 1 {
			t.Errorf("%s of one clip: %d GetClip calls", program, calls)
		}
		got, err := os.ReadFile(filepath.Join(to, "1m.mp4"))
		if err != nil {
			t.Errorf("%s: %v", program, err)
			continue
		}
		want, err := os.ReadFile(filepath.Join(dir, "1m.mp4"))
		if err != nil {
			t.Fatal(err)
		}
		if len(want) == 0 || sha256.Sum256(got) != sha256.Sum256(want) {
			t.Errorf("%s: %d bytes, want %d: another file", program, len(got), len(want))
		}
	}
}

// TestExactSizesCost: ls -l of a minute costs what opening its clips would, says in the log what that was, and costs nothing again,
// after a remount either. A directory listed without sizes costs nothing.
func TestExactSizesCost(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "door=testcard", "--quota", "off")
	flags := []string{"--exact-sizes", "--list", "1m,5m,10m"}
	m := harness.StartMount(t, e, flags...)
	name := time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Minute).Format("2006-01-02T15:04")
	dir := m.Join("door", name)
	harness.Run(t, "ls", dir)
	if calls := e.Calls(t, "GetClip"); calls != 0 {
		t.Errorf("ls cost %d GetClip calls", calls)
	}
	long := string(harness.Run(t, "ls", "-l", dir))
	calls := e.Calls(t, "GetClip")
	if calls < 3 || calls > 16 { // 5m and 10m have the same minutes
		t.Errorf("ls -l cost %d GetClip calls", calls)
	}
	for _, length := range []string{"1m", "5m", "10m"} {
		if got := xattr(t, filepath.Join(dir, length+".mp4"), "user.clipfs.size"); got != "exact" {
			t.Errorf("%s: size is %s", length, got)
		}
		content, err := os.ReadFile(filepath.Join(dir, length+".mp4"))
		if err != nil || !strings.Contains(long, fmt.Sprintf(" %d ", len(content))) {
			t.Errorf("%s has %d bytes, %v; ls said\n%s", length, len(content), err, long)
		}
	}
	eventually(t, "the log says what it cost", func() bool { return strings.Contains(m.Log(), "exact sizes fetched") })
	if line := logLine(m.Log(), "exact sizes fetched"); !strings.Contains(line, "dir=door/"+name) || !strings.Contains(line, "clips=") || strings.Contains(line, "calls=0") {
		t.Errorf("the log says %q", line)
	}
	m.Stop(t, syscall.SIGINT)
	before := e.Calls(t, "GetClip")
	m = harness.Remount(t, m, e, flags...)
	if again := string(harness.Run(t, "ls", "-l", dir)); again != long || e.Calls(t, "GetClip") != before {
		t.Errorf("%d GetClip calls after a remount; ls says\n%s", e.Calls(t, "GetClip")-before, again)
	}
}

// logLine gives the first line of a log that has a text.
func logLine(log, text string) string {
	for line := range strings.Lines(log) {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

// TestExactSizesFail: where the head cannot be had a look-up fails and gives no estimate; it ends at a signal; and no more than 16 of
// them ask for heads at once.
func TestExactSizesFail(t *testing.T) {
	t.Parallel()
	harness.Need(t, "stat")
	e := harness.StartEmulator(t, "--stream", "door=testcard", "--quota", "off")
	at := time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Hour)
	path := func(m *harness.Mount, i int) string {
		return m.Join("door", at.Add(time.Duration(i)*time.Minute).Format("2006-01-02T15:04"), "1m.mp4")
	}
	limited := harness.StartMount(t, e, "--exact-sizes", "--fetch-limit", "1KiB/month")
	if _, err := os.Stat(path(limited, 0)); err != nil { // whose first bytes reach it
		t.Logf("the first: %v", err)
	}
	if info, err := os.Stat(path(limited, 1)); !errors.Is(err, unix.EDQUOT) {
		t.Errorf("beyond the fetch limit: %v, %v; want EDQUOT", info, err)
	}
	impatient := harness.StartMount(t, e, "--exact-sizes", "--read-timeout", "3s")
	m := harness.StartMount(t, e, "--exact-sizes")
	if _, err := os.ReadDir(filepath.Dir(path(m, 0))); err != nil {
		t.Fatal(err)
	}
	e.Fault(t, "kind=stall,api=GetClip,at=0")
	begun := time.Now()
	if info, err := os.Stat(path(impatient, 2)); !errors.Is(err, unix.ETIMEDOUT) || time.Since(begun) > 15*time.Second {
		t.Errorf("a service that stalls: %v, %v after %s; want ETIMEDOUT after 3 s", info, err, time.Since(begun))
	}
	impatient.Stop(t, unix.SIGINT) // whose last call, begun as its time was over, may not have come yet
	before := e.Calls(t, "GetClip")
	var waiting []*exec.Cmd
	for i := range 40 {
		cmd := exec.CommandContext(t.Context(), "stat", path(m, i))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waiting = append(waiting, cmd)
	}
	eventually(t, "16 calls", func() bool { return e.Calls(t, "GetClip")-before >= 16 })
	time.Sleep(300 * time.Millisecond)
	if calls := e.Calls(t, "GetClip") - before; calls != 16 {
		t.Errorf("40 look-ups made %d calls at once, want 16", calls)
	}
	begun = time.Now()
	for _, cmd := range waiting {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
	for _, cmd := range waiting {
		if err := cmd.Wait(); err == nil {
			t.Error("stat says something of a clip that cannot be had")
		}
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("look-ups ended %s after a signal", took)
	}
}
