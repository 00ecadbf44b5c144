//go:build e2e

package main_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// nobody is another user.
const nobody = "65534"

// as runs a program as another user and gives what it wrote.
func as(t *testing.T, user string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	out, errs, err := harness.TryRun(t, "setpriv", append([]string{"--reuid", user, "--regid", user, "--clear-groups"}, args...)...)
	return string(out), string(errs), err
}

// reachable lets other users get as far as a mount.
func reachable(t *testing.T, m *harness.Mount) {
	t.Helper()
	for _, dir := range []string{filepath.Dir(m.Path), filepath.Dir(filepath.Dir(m.Path))} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// program puts a program under another name into a directory of its own.
func program(t *testing.T, of, name string) string {
	t.Helper()
	from, err := exec.LookPath(of)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(to, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestDeniedProgramsListAndDoNotOpen: a program that is on the list sees all and opens nothing, under whatever of its
// names; everybody else goes on.
func TestDeniedProgramsListAndDoNotOpen(t *testing.T) {
	harness.Need(t, "head", "ls", "stat")
	e := testcard(t)
	m := harness.StartMount(t, e, "--deny", "default,head-of-mine,an-indexer")
	dir := m.Join("door", ago(2*time.Hour))
	clip, sidecar := dir+"/1m.mp4", dir+"/1m.json"
	script := filepath.Join(t.TempDir(), "an-indexer")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nread -r line < \"$1\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, denied := range []string{
		program(t, "head", "updatedb"), program(t, "head", "tracker-miner-fs-3"), program(t, "head", "head-of-mine"), script,
	} {
		for _, path := range []string{clip, sidecar} {
			if _, stderr, err := harness.TryRun(t, denied, path); exitCode(err) == 0 || !strings.Contains(string(stderr), "ermission denied") {
				t.Errorf("%s %s: %v, %s; want EACCES", filepath.Base(denied), filepath.Base(path), err, stderr)
			}
		}
		if !m.Logs("program=" + filepath.Base(denied)) {
			t.Errorf("the log does not tell of %s", filepath.Base(denied))
		}
	}
	for of, args := range map[string][]string{"ls": {"-l", dir}, "stat": {clip}} {
		harness.Run(t, program(t, of, "updatedb"), args...)
	}
	if n := e.Calls(t, "GetClip"); n != 0 {
		t.Errorf("programs that may not open cost %d GetClip", n)
	}
	if n := strings.Count(m.Log(), "level=WARN msg=\"not opened"); n != 4 {
		t.Errorf("%d warnings of 4 programs that were denied twice each", n)
	}
	harness.Run(t, "head", "-c", "1", clip)
	harness.Run(t, program(t, "head", "head-of-yours"), "-c", "1", clip)
	open := harness.StartMount(t, e, "--deny", "none")
	harness.Run(t, program(t, "head", "updatedb"), "-c", "1", open.Join("door", ago(2*time.Hour), "1m.mp4"))
}

// TestOwnerAndModes: the kernel holds other users to the modes that were asked for.
func TestOwnerAndModes(t *testing.T) {
	harness.Need(t, "setpriv", "cat", "ls")
	if os.Geteuid() != 0 {
		harness.Skip(t, "only root can become another user")
	}
	const somebody = "65533"
	e := testcard(t)
	mount := func(args ...string) (m *harness.Mount, clip string) {
		m = harness.StartMount(t, e, append([]string{"--allow-other"}, args...)...)
		reachable(t, m)
		return m, m.Join("door", ago(2*time.Hour), "1m.mp4")
	}
	m, clip := mount("--file-mode", "0400", "--uid", nobody, "--gid", "12", "--dir-mode", "511")
	var got unix.Stat_t
	for path, mode := range map[string]uint32{clip: unix.S_IFREG | 0o400, m.Path: unix.S_IFDIR | 0o511, m.Join("door"): unix.S_IFDIR | 0o511} {
		if err := unix.Lstat(path, &got); err != nil || got.Mode != mode || got.Uid != 65534 || got.Gid != 12 {
			t.Errorf("%s: mode %o of %d:%d, %v; want %o of 65534:12", path, got.Mode, got.Uid, got.Gid, err, mode)
		}
	}
	if out, stderr, err := as(t, nobody, "cat", clip); err != nil || len(out) == 0 {
		t.Errorf("the owner: %v, %s", err, stderr)
	}
	for _, args := range [][]string{{"cat", clip}, {"ls", m.Join("door")}} {
		if _, stderr, err := as(t, somebody, args...); exitCode(err) == 0 || !strings.Contains(stderr, "Permission denied") {
			t.Errorf("%s by another user: %v, %s; want EACCES", args[0], err, stderr)
		}
	}
	if _, err := os.ReadFile(clip); err != nil {
		t.Errorf("root: %v", err)
	}
	_, clip = mount("--file-mode", "400") // of root
	if _, stderr, err := as(t, nobody, "cat", clip); exitCode(err) == 0 || !strings.Contains(stderr, "Permission denied") {
		t.Errorf("a file of mode 0400 by another user: %v, %s; want EACCES", err, stderr)
	}
}

func TestModesThatMakeNoSenseAreRefused(t *testing.T) {
	e := testcard(t)
	for _, test := range []struct{ flag, value, says string }{
		{"--file-mode", "0644", "write bits"}, {"--dir-mode", "0755", "write bits"}, {"--file-mode", "0", "octal"}, {"--file-mode", "rw", "octal"},
		{"--uid", "-1", "number"}, {"--gid", "4294967295", "number"}, {"--deny", "/usr/bin/updatedb", "without its directory"},
	} {
		dir := t.TempDir()
		_, stderr, err := harness.TryRun(t, harness.Binary(t), "mount", "--endpoint-url", e.Endpoint, "--cache-dir", t.TempDir(), test.flag, test.value, dir)
		if exitCode(err) != 2 || !strings.Contains(string(stderr), test.says) {
			t.Errorf("%s %s: %v, %s; want exit code 2 and %q", test.flag, test.value, err, stderr, test.says)
		}
	}
}

// TestAllowOtherWithoutTheLineSaysWhatIsMissing mounts as a user who may not let others in, on a machine made for that: a
// namespace with a FUSE device for everybody and a configuration without the line.
func TestAllowOtherWithoutTheLineSaysWhatIsMissing(t *testing.T) {
	harness.Need(t, "setpriv", "unshare", "mknod", "mount", "sh", "fusermount3")
	if os.Geteuid() != 0 {
		harness.Skip(t, "only root can become another user")
	}
	e := testcard(t)
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir), filepath.Dir(harness.Binary(t))} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, sub := range []string{"mnt", "cache", "etc"} {
		if err := errors.Join(os.Mkdir(filepath.Join(dir, sub), 0o755), os.Chown(filepath.Join(dir, sub), 65534, 65534)); err != nil {
			t.Fatal(err)
		}
	}
	const script = `set -e
mount -t tmpfs tmpfs "$0/etc"
mknod -m 666 "$0/etc/fuse" c 10 229
echo '#user_allow_other' > "$0/etc/fuse.conf"
mount --bind "$0/etc/fuse" /dev/fuse
[ -e /etc/fuse.conf ] || : > /etc/fuse.conf
mount --bind "$0/etc/fuse.conf" /etc/fuse.conf
exec setpriv --reuid 65534 --regid 65534 --clear-groups "$1" mount --allow-other --endpoint-url "$2" --cache-dir "$0/cache" "$0/mnt"`
	_, stderr, err := harness.TryRun(t, "unshare", "--mount", "--propagation", "private", "sh", "-c", script, dir, harness.Binary(t), e.Endpoint)
	if exitCode(err) != failed {
		t.Errorf("mount by who may not let others in: %v; want exit code %d", err, failed)
	}
	wantLine(t, string(stderr), "user_allow_other", "/etc/fuse.conf", "mount as root")
}
