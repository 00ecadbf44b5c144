//go:build e2e

package packaging_test

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/fuseconn"
	clipfs "clipfs/fs"
	"clipfs/fs/mountinfo"

	"golang.org/x/sys/unix"
)

// covered gives the directories that are covered by a layer of their own before anything is installed: what is written there
// is gone with the namespace.
func covered() []string { return []string{"/usr", "/etc", "/var", "/root"} }

// leaveMounts takes the mounts of other tests out of this mount namespace: with a copy of them here they would not end.
func leaveMounts(t *testing.T) {
	t.Helper()
	all, err := mountinfo.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range all {
		if info.FSType == clipfs.FSType {
			// One that has ended meanwhile is no error.
			if err := unix.Unmount(info.Mountpoint, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
				t.Errorf("unmount %s: %v", info.Mountpoint, err)
			}
		}
	}
}

// install installs the package, mounts from fstab and removes the package, in a mount namespace of its own.
func install(t *testing.T) {
	leaveMounts(t)
	cover(t)
	in := inside{t: t, endpoint: os.Getenv(endpointVariable), dir: t.TempDir()}
	before := files(t)
	// Without triggers: those of others, which rebuild their indexes of all that is installed.
	in.run("dpkg", "--no-triggers", "-i", os.Getenv(debVariable))
	in.checkFiles()
	in.checkUnit()
	in.writeProfile("/root", 0)
	t.Run("profile", func(t *testing.T) { in.at(t).mountProfile() })
	t.Run("environment", func(t *testing.T) { in.at(t).mountEnvironment() })
	t.Run("user", func(t *testing.T) { in.at(t).mountUser() })
	t.Run("refused", func(t *testing.T) { in.at(t).refuse() })
	in.run("dpkg", "--no-triggers", "-r", "clipfs")
	if _, err := os.Stat("/usr/bin/clipfs"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after removal /usr/bin/clipfs: %v", err)
	}
	if _, err := os.Stat("/var/cache/clipfs"); err != nil {
		t.Errorf("removal without purge takes the cache away: %v", err)
	}
	in.run("dpkg", "--no-triggers", "-P", "clipfs")
	for path := range files(t) {
		if !before[path] {
			t.Errorf("left behind: %s", path)
		}
	}
}

// cover covers the directories.
func cover(t *testing.T) {
	t.Helper()
	layers := t.TempDir()
	if err := unix.Mount("tmpfs", layers, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	for _, dir := range covered() {
		upper, work := filepath.Join(layers, "upper"+dir), filepath.Join(layers, "work"+dir)
		if err := errors.Join(os.MkdirAll(upper, 0o755), os.MkdirAll(work, 0o755)); err != nil {
			t.Fatal(err)
		}
		options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", dir, upper, work)
		if err := unix.Mount("overlay", dir, "overlay", 0, options); err != nil {
			t.Fatalf("overlay on %s: %v", dir, err)
		}
	}
	t.Cleanup(func() {
		for _, dir := range covered() {
			_ = unix.Unmount(dir, unix.MNT_DETACH) // the namespace ends with this process
		}
		_ = unix.Unmount(layers, unix.MNT_DETACH)
	})
}

// files gives the paths below the covered directories, but for what dpkg, man and the log keep about all packages.
func files(t *testing.T) map[string]bool {
	t.Helper()
	all := make(map[string]bool)
	for _, dir := range covered() {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case slices.Contains([]string{"/var/lib/dpkg", "/var/log", "/var/cache/man", "/var/cache/debconf", "/root"}, path) && d.IsDir():
				return fs.SkipDir
			}
			all[path] = true
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// inside is what the steps share.
type inside struct {
	t        *testing.T
	endpoint string
	dir      string
}

// at is the same for a subtest.
func (in inside) at(t *testing.T) inside {
	in.t = t
	return in
}

// run runs a program, which has to succeed, and gives what it said.
func (in inside) run(name string, args ...string) string {
	in.t.Helper()
	out, code := in.try(nil, name, args...)
	if code != 0 {
		in.t.Fatalf("%s %q: exit code %d, %s", name, args, code, out)
	}
	return out
}

// try runs a program with nothing in its environment but env and a PATH, as at boot.
func (in inside) try(env []string, name string, args ...string) (string, int) {
	in.t.Helper()
	ctx, cancel := context.WithTimeout(in.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
		"AWS_EC2_METADATA_DISABLED=true"}, env...)
	cmd.Dir = "/"
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return out.String(), 0
	case errors.As(err, &exit):
		return out.String(), exit.ExitCode()
	}
	in.t.Fatalf("%s %q: %v, %s", name, args, err, out.String())
	return "", 0
}

// checkFiles checks what was installed.
func (in inside) checkFiles() {
	in.t.Helper()
	if target, err := os.Readlink("/usr/sbin/mount.clipfs"); err != nil || target != "../bin/clipfs" {
		in.t.Errorf("mount.clipfs is %s, %v", target, err)
	}
	for _, path := range []string{"/usr/lib/systemd/system/clipfs@.service", "/usr/share/man/man1/clipfs-mount.1.gz", "/usr/share/man/man8/mount.clipfs.8.gz",
		"/usr/share/bash-completion/completions/clipfs", "/usr/share/zsh/vendor-completions/_clipfs",
		"/usr/share/fish/vendor_completions.d/clipfs.fish", "/usr/share/doc/clipfs/README.Debian", "/usr/share/doc/clipfs/examples/clipfs.yaml"} {
		info, err := os.Stat(path)
		if err != nil || info.Size() == 0 || info.Mode() != 0o644 {
			in.t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	hint, err := os.ReadFile("/usr/share/doc/clipfs/README.Debian")
	if err != nil || !strings.Contains(string(hint), "PRUNEFS") || !strings.Contains(string(hint), "fuse.clipfs") {
		in.t.Errorf("README.Debian does not tell of PRUNEFS: %v", err)
	}
	if out := in.run("clipfs", "version"); !strings.Contains(out, "clipfs  ") {
		in.t.Errorf("clipfs version: %s", out)
	}
	program, err := elf.Open("/usr/bin/clipfs")
	if err != nil {
		in.t.Fatal(err)
	}
	defer program.Close()
	if libraries, err := program.ImportedLibraries(); len(libraries) > 0 {
		in.t.Errorf("the program needs %v, %v", libraries, err)
	}
}

// checkUnit has systemd check the unit.
func (in inside) checkUnit() {
	in.t.Helper()
	out, code := in.try([]string{"SYSTEMD_LOG_LEVEL=warning"}, "systemd-analyze", "verify", "--recursive-errors=no", "clipfs@mnt-cameras.service")
	if code != 0 || strings.Contains(out, "clipfs") {
		in.t.Errorf("systemd-analyze verify: exit code %d, %s", code, out)
	}
}

// writeProfile writes the profile site-a of the AWS configuration of somebody.
func (in inside) writeProfile(home string, owner int) {
	in.t.Helper()
	dir := filepath.Join(home, ".aws")
	config, credentials := filepath.Join(dir, "config"), filepath.Join(dir, "credentials")
	err := errors.Join(os.MkdirAll(dir, 0o700),
		os.WriteFile(config, []byte("[profile site-a]\nregion = us-east-1\n"), 0o600),
		os.WriteFile(credentials, []byte("[site-a]\naws_access_key_id = KEYOFSITEA\naws_secret_access_key = hush-hush\n"), 0o600),
		os.Chown(dir, owner, owner), os.Chown(config, owner, owner), os.Chown(credentials, owner, owner))
	if err != nil {
		in.t.Fatal(err)
	}
}

// fstab writes a table with one line and gives its path and the mountpoint.
func (in inside) fstab(source, options string) (path, mountpoint string) {
	in.t.Helper()
	dir := in.t.TempDir()
	path, mountpoint = filepath.Join(dir, "fstab"), filepath.Join(dir, "mnt")
	if err := os.Mkdir(mountpoint, 0o755); err != nil {
		in.t.Fatal(err)
	}
	line := fmt.Sprintf("%s %s clipfs endpoint-url=%s,cache_min_free=0,%s 0 0\n", source, mountpoint, in.endpoint, options)
	if err := os.WriteFile(path, []byte(line), 0o644); err != nil {
		in.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	fuseconn.Watch(ctx, mountpoint, time.Minute, func(err error) { in.t.Errorf("watchdog: %v", err) })
	in.t.Cleanup(func() {
		cancel()
		if _, err := mountinfo.Find(mountpoint); err == nil {
			in.t.Errorf("%s is still mounted", mountpoint)
			_ = unix.Unmount(mountpoint, unix.MNT_DETACH) // so that its process ends
		}
	})
	return path, mountpoint
}

// lists checks what is in a directory.
func (in inside) lists(dir string, want ...string) {
	in.t.Helper()
	entries, err := os.ReadDir(dir)
	got := make(map[string]bool)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			got[e.Name()] = true
		}
	}
	if names := slices.Sorted(maps.Keys(got)); err != nil || !slices.Equal(names, want) {
		in.t.Errorf("%s has %v, %v; want %v", dir, names, err, want)
	}
}

// server gives the process that serves a mount, by the lock of its cache.
func (in inside) server(cache string) int {
	in.t.Helper()
	text, err := os.ReadFile(filepath.Join(cache, "lock"))
	if err != nil {
		in.t.Fatal(err)
	}
	pid, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	n, err := strconv.Atoi(pid)
	if err != nil {
		in.t.Fatal(err)
	}
	return n
}

// ends waits until a process has ended.
func (in inside) ends(pid int) {
	in.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			in.t.Fatalf("process %d has not ended", pid)
		}
	}
}

// mountProfile mounts as at boot: by the table, as root, without HOME, with the credentials of a profile.
func (in inside) mountProfile() {
	table, mountpoint := in.fstab("site-a",
		"defaults,nofail,_netdev,user,rw,comment=cameras,x-systemd.automount,stream=door:yard,allow_other,grace=1s")
	in.run("mount", "-T", table, mountpoint)
	in.lists(mountpoint, "door", "yard")
	info, err := mountinfo.Find(mountpoint)
	if err != nil || info.FSType != "fuse.clipfs" || info.Source != "site-a" || !slices.Contains(info.Options, "allow_other") {
		in.t.Errorf("mounted as %+v, %v", info, err)
	}
	pid := in.server("/var/cache/clipfs")
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || bytes.Contains(line, []byte("hush-hush")) || bytes.Contains(line, []byte("KEYOFSITEA")) {
		in.t.Errorf("command line %q, %v; want no secret in it", line, err)
	}
	// What is mounted already is not mounted again.
	in.run("mount", "-T", table, "-a")
	in.lists(mountpoint, "door", "yard")
	if again := in.server("/var/cache/clipfs"); again != pid {
		in.t.Errorf("mount -a started process %d beside %d", again, pid)
	}
	in.run("umount", mountpoint)
	in.ends(pid)
	in.run("mount", "-T", table, "-a") // at once, with the cache of the one before
	in.lists(mountpoint, "door", "yard")
	pid = in.server("/var/cache/clipfs")
	in.run("clipfs", "umount", mountpoint)
	in.ends(pid)
}

// mountEnvironment mounts with the source none: credentials are what the SDK finds.
func (in inside) mountEnvironment() {
	cache := filepath.Join(in.t.TempDir(), "cache")
	table, mountpoint := in.fstab("none", "noauto,stream=attic,cache-dir="+cache)
	env := []string{"AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_REGION=us-east-1"}
	if out, code := in.try(env, "mount", "-T", table, mountpoint); code != 0 {
		in.t.Fatalf("mount: exit code %d, %s", code, out)
	}
	in.lists(mountpoint, "attic")
	if info, err := mountinfo.Find(mountpoint); err != nil || info.Source != "none" {
		in.t.Errorf("mounted as %+v, %v", info, err)
	}
	pid := in.server(cache)
	in.run("umount", mountpoint)
	in.ends(pid)
}

// mountUser mounts and unmounts as an ordinary user, whom the option user allows to.
func (in inside) mountUser() {
	const joe = 61234
	table, mountpoint := in.fstab("site-a", "user,noauto,stream=attic")
	line, err := os.ReadFile(table)
	if err != nil {
		in.t.Fatal(err)
	}
	home := filepath.Dir(table)
	device := filepath.Join(home, "fuse")
	in.writeProfile(home, joe)
	err = errors.Join(os.WriteFile("/etc/fstab", line, 0o644), // only root may name another table
		appendTo("/etc/passwd", fmt.Sprintf("joe:x:%d:%d::%s:/bin/sh\n", joe, joe, home)),
		os.Chown(home, joe, joe), os.Chown(mountpoint, joe, joe),
		unix.Mknod(device, unix.S_IFCHR, int(unix.Mkdev(10, 229))), os.Chmod(device, 0o666),
		unix.Mount(device, "/dev/fuse", "", unix.MS_BIND, ""))
	if err != nil {
		in.t.Fatal(err)
	}
	for dir := home; dir != "/"; dir = filepath.Dir(dir) { // so that joe gets there
		info, err := os.Stat(dir)
		if err == nil && info.Mode().Perm()&0o5 != 0o5 {
			err = os.Chmod(dir, info.Mode().Perm()|0o55)
		}
		if err != nil {
			in.t.Fatal(err)
		}
	}
	as := func(args ...string) (string, int) {
		id := strconv.Itoa(joe)
		return in.try([]string{"HOME=" + home}, "setpriv", append([]string{"--reuid", id, "--regid", id, "--clear-groups"}, args...)...)
	}
	if out, code := as("mount", mountpoint); code != 0 {
		in.t.Fatalf("mount as a user: exit code %d, %s", code, out)
	}
	if out, code := as("ls", mountpoint); code != 0 || !strings.Contains(out, "attic") {
		in.t.Errorf("ls as that user: exit code %d, %s", code, out)
	}
	pid := in.server(filepath.Join(home, ".cache", "clipfs"))
	if out, code := as("umount", mountpoint); code != 0 {
		in.t.Errorf("umount as that user: exit code %d, %s", code, out)
		in.run("umount", "-l", mountpoint)
	}
	in.ends(pid)
}

// appendTo appends to a file.
func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// refuse checks what mount(8) says of what does not work.
func (in inside) refuse() {
	const usage, mountFailed = 1, 32
	tests := map[string]struct {
		source, options string
		code            int
		says, hides     string
	}{
		"unknown option": {"site-a", "cache-sise=1GiB", usage, "option cache-sise is not known", "-"},
		"a secret":       {"site-a", "aws_secret_access_key=hush-hush", usage, "secrets do not belong", "hush-hush"},
		"bad value":      {"site-a", "cache-size=much", usage, "--cache-size", "-"},
		"no profile":     {"site-z", "ro", mountFailed, "site-z", "-"},
	}
	for name, test := range tests {
		table, mountpoint := in.fstab(test.source, test.options)
		out, code := in.try(nil, "mount", "-T", table, mountpoint)
		if code != test.code || !strings.Contains(out, test.says) || test.hides != "-" && strings.Contains(out, test.hides) {
			in.t.Errorf("%s: exit code %d, %s; want %d and %q", name, code, out, test.code, test.says)
		}
	}
}
