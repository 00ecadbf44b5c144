//go:build e2e

package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clipfs/clip/archive"
	"clipfs/clip/names"
	"clipfs/cmd/internal/fuseconn"
	"clipfs/cmd/internal/harness"
	"clipfs/fs/mountinfo"
)

// testcard starts an emulator with the stream "door".
func testcard(t *testing.T, args ...string) *harness.Emulator {
	t.Helper()
	harness.NeedFUSE(t)
	return harness.StartEmulator(t, append([]string{"--stream", "door=testcard"}, args...)...)
}

// ago gives the name of the minute that was so long ago.
func ago(d time.Duration) string {
	return names.Grammar{}.FormatStart(time.Now().Add(-d), archive.Minute)
}

// failed is the exit code of a command that could not do what it was told.
const failed = 1

// exitCode gives the exit code of a program that was run.
func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

func TestMountReadUnmount(t *testing.T) {
	e := testcard(t)
	m := harness.StartMount(t, e)
	path := m.Join("door", ago(2*time.Hour), "1m.mp4")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Calls(t, "GetClip"); got != 0 {
		t.Errorf("stat cost %d GetClip, want none", got)
	}
	if info.Mode() != 0o444 || info.Size() == 0 {
		t.Errorf("mode %v, size %d; want a file that can be read", info.Mode(), info.Size())
	}
	wantXattr(t, path, "size", "estimate")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	exact, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if exact.Size() != int64(len(data)) || info.Size() < exact.Size() {
		t.Errorf("size %d after the read of %d bytes, %d before", exact.Size(), len(data), info.Size())
	}
	wantXattr(t, path, "size", "exact")
	wantXattr(t, path, "stream", "door")
	wantXattr(t, path, "fragments", "30")
	for name, want := range map[string]error{"security.selinux": unix.EOPNOTSUPP, "security.capability": unix.ENODATA, "user.other": unix.ENODATA} {
		if _, err := unix.Getxattr(path, name, nil); !errors.Is(err, want) {
			t.Errorf("another's xattr %s: %v, want %v", name, err, want)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, stderr, err := harness.TryRun(t, harness.Binary(t), "umount", m.Path)
	if exitCode(err) != failed {
		t.Errorf("umount of a mount in use: %v, want exit code %d", err, failed)
	}
	wantLine(t, string(stderr), "in use by "+strconv.Itoa(os.Getpid())+" (", m.Path, "--lazy")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if offered := harness.Run(t, harness.Binary(t), "__completeNoDesc", "umount", ""); !strings.Contains(string(offered), m.Path+"\n") {
		t.Errorf("completion of umount does not offer the mount: %q", offered)
	}
	harness.Run(t, harness.Binary(t), "umount", m.Path)
	if !m.Logs("unmounted from outside") {
		t.Error("the mount did not notice that it was unmounted")
	}
}

// wantXattr checks one of our extended attributes.
func wantXattr(t *testing.T, path, name, want string) {
	t.Helper()
	value := make([]byte, 256)
	n, err := unix.Getxattr(path, "user.clipfs."+name, value)
	if err != nil || string(value[:max(n, 0)]) != want {
		t.Errorf("user.clipfs.%s of %s = %q, %v; want %q", name, path, value[:max(n, 0)], err, want)
	}
}

func TestNothingCanBeWritten(t *testing.T) {
	m := harness.StartMount(t, testcard(t))
	dir := m.Join("door", ago(2*time.Hour))
	file := dir + "/1m.mp4"
	tests := map[string]func() error{
		"create":    func() error { return os.WriteFile(dir+"/new.mp4", nil, 0o644) },
		"write":     func() error { _, err := os.OpenFile(file, os.O_RDWR, 0); return err },
		"truncate":  func() error { return os.Truncate(file, 0) },
		"mkdir":     func() error { return os.Mkdir(m.Join("new"), 0o755) },
		"symlink":   func() error { return os.Symlink("a", dir+"/b") },
		"link":      func() error { return os.Link(file, dir+"/c.mp4") },
		"unlink":    func() error { return os.Remove(file) },
		"rmdir":     func() error { return unix.Rmdir(dir) },
		"rename":    func() error { return os.Rename(file, dir+"/d.mp4") },
		"chmod":     func() error { return os.Chmod(file, 0o777) },
		"chtimes":   func() error { return os.Chtimes(file, time.Now(), time.Now()) },
		"set xattr": func() error { return unix.Setxattr(file, "user.x", []byte("y"), 0) },
	}
	for name, change := range tests {
		if err := change(); !errors.Is(err, unix.EROFS) {
			t.Errorf("%s: %v, want %v", name, err, unix.EROFS)
		}
	}
}

// TestOtherUsers: without --allow-other only the user who mounted sees anything; with it another user reads the same
// bytes, and may write no more than the owner.
func TestOtherUsers(t *testing.T) {
	harness.Need(t, "setpriv", "cat", "ls", "sh")
	if os.Geteuid() != 0 {
		harness.Skip(t, "only root can become another user")
	}
	e := testcard(t)
	const nobody = "65534"
	other := func(t *testing.T, args ...string) (stdout, stderr string, err error) {
		t.Helper()
		out, errs, err := harness.TryRun(t, "setpriv", append([]string{"--reuid", nobody, "--regid", nobody, "--clear-groups"}, args...)...)
		return string(out), string(errs), err
	}
	mount := func(t *testing.T, args ...string) *harness.Mount {
		t.Helper()
		m := harness.StartMount(t, e, args...)
		for _, dir := range []string{filepath.Dir(m.Path), filepath.Dir(filepath.Dir(m.Path))} { // on the way there
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		beside := filepath.Join(filepath.Dir(m.Path), "beside")
		if err := os.WriteFile(beside, []byte("as it should be"), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, stderr, err := other(t, "cat", beside); err != nil || got != "as it should be" {
			t.Fatalf("the other user cannot even read beside the mount: %v, %s", err, stderr)
		}
		return m
	}
	t.Run("without", func(t *testing.T) {
		m := mount(t)
		path := m.Join("door", ago(2*time.Hour), "1m.mp4")
		if _, err := os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"cat", path}, {"ls", m.Path}, {"ls", m.Join("door")}} {
			if out, stderr, err := other(t, args...); exitCode(err) == 0 || !strings.Contains(stderr, "Permission denied") {
				t.Errorf("%s: %d bytes, %v, %q; want EACCES", args[0], len(out), err, stderr)
			}
		}
	})
	t.Run("with", func(t *testing.T) {
		m := mount(t, "--allow-other")
		path := m.Join("door", ago(2*time.Hour), "1m.mp4")
		cold, stderr, err := other(t, "cat", path) // the other user is the first to open it
		if err != nil {
			t.Fatalf("cat as another user: %v, %s", err, stderr)
		}
		want, err := os.ReadFile(path)
		if err != nil || cold != string(want) || len(want) == 0 {
			t.Errorf("another user read %d bytes, the owner %d, %v", len(cold), len(want), err)
		}
		if listed, stderr, err := other(t, "ls", m.Path); err != nil || listed != "door\n" {
			t.Errorf("ls as another user: %q, %v, %s", listed, err, stderr)
		}
		for _, command := range []string{`: >> "$0"`, `: > "$0.new"`, `rm -f "$0"`, `chmod u+w "$0"`} {
			if _, _, err := other(t, "sh", "-c", command, path); exitCode(err) == 0 {
				t.Errorf("another user could do %s", command)
			}
		}
		info, err := mountinfo.Find(m.Path)
		if err != nil || !slices.Contains(info.Options, "allow_other") || !slices.Contains(info.Options, "default_permissions") {
			t.Errorf("mounted with %v, %v; want the kernel to check permissions", info.Options, err)
		}
	})
}

func TestMountSurvivesABadMountpointAndIsFoundThere(t *testing.T) {
	e := testcard(t)
	m := harness.StartMount(t, e)
	out, stderr, err := harness.TryRun(t, harness.Binary(t), "mount", "--endpoint-url", e.Endpoint, "--cache-dir", t.TempDir(), m.Path)
	if exitCode(err) != failed {
		t.Errorf("mount on a mount: %v, %s; want exit code %d", err, out, failed)
	}
	wantLine(t, string(stderr), "already", "clipfs umount "+m.Path)
	if _, err := os.ReadDir(m.Join("door")); err != nil {
		t.Error(err)
	}
}

func TestTwoMountsNeedTwoCaches(t *testing.T) {
	t.Parallel() // it waits for the most part
	e := testcard(t)
	m := harness.StartMount(t, e)
	_, stderr, err := harness.TryRun(t, harness.Binary(t), "mount", "--endpoint-url", e.Endpoint, "--cache-dir", m.Cache, t.TempDir())
	if exitCode(err) != failed {
		t.Errorf("second mount with the cache of the first: %v; want exit code %d", err, failed)
	}
	wantLine(t, string(stderr), m.Cache, "--cache-dir")
}

func TestStaleMountIsTakenAway(t *testing.T) {
	e := testcard(t)
	m := harness.StartMount(t, e)
	m.Kill(t)
	if _, err := os.ReadDir(m.Path); !errors.Is(err, unix.ENOTCONN) {
		t.Fatalf("a killed mount: %v, want %v", err, unix.ENOTCONN)
	}
	again := harness.Remount(t, m, e)
	if _, err := os.ReadDir(again.Join("door")); err != nil {
		t.Error(err)
	}
	if !again.Logs("stale") {
		t.Error("the log does not say that a stale mount was taken away")
	}
	again.Kill(t)
	harness.Run(t, harness.Binary(t), "umount", m.Path)
	if m.Mounted(t) {
		t.Error("umount left the stale mount")
	}
}

func TestMappedFilesReadRight(t *testing.T) {
	t.Parallel() // it waits for the most part
	// A slow network, so that the clip is still arriving while it is mapped.
	m := harness.StartMount(t, testcard(t, "--bandwidth", "500KB/s"))
	for name, flags := range map[string]int{"private": unix.MAP_PRIVATE, "shared": unix.MAP_SHARED} {
		t.Run(name, func(t *testing.T) {
			path := m.Join("door", ago(2*time.Hour), map[string]string{"private": "1m.mp4", "shared": "2m.mp4"}[name])
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			info, err := f.Stat()
			if err != nil {
				t.Fatal(err)
			}
			mapped, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, flags)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = unix.Munmap(mapped) }() // the test is over
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(mapped, want) {
				t.Error("mapped bytes are not those that are read")
			}
		})
	}
}

func TestOpensAtTheLiveEdge(t *testing.T) {
	t.Parallel() // it waits for the most part
	m := harness.StartMount(t, testcard(t, "--latency", "200ms", "--quota", "off"))
	const readers, lasts = 4, 6 * time.Second
	var wg sync.WaitGroup
	for i := range readers {
		wg.Go(func() {
			for end := time.Now().Add(lasts); time.Now().Before(end); {
				if err := copyByKernel(m.Join("door", ago(2*time.Minute), fmt.Sprintf("%dm.mp4", 4+i%2))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// copyByKernel copies a file with sendfile, without asking for its size first, and checks that what came is as long as
// the file is and does not end in zeros.
func copyByKernel(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	fd, err := unix.MemfdCreate("copy", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	out := os.NewFile(uintptr(fd), "copy")
	defer out.Close()
	copied := int64(0)
	for {
		n, err := unix.Sendfile(fd, int(f.Fd()), nil, 1<<30)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s at %d: %w", path, copied, err)
		}
		if n == 0 {
			break
		}
		copied += int64(n)
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	tail := make([]byte, 64)
	if _, err := out.ReadAt(tail, max(copied-int64(len(tail)), 0)); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if copied != info.Size() || bytes.Equal(tail, make([]byte, len(tail))) {
		return fmt.Errorf("%s: %d bytes copied of %d, the last ones %x", path, copied, info.Size(), tail)
	}
	return nil
}

func TestWaitingReaderCanBeKilledAndDoesNotBlockStat(t *testing.T) {
	t.Parallel() // it waits for the most part
	harness.Need(t, "cat")
	m := harness.StartMount(t, testcard(t, "--latency", "5s"))
	path := m.Join("door", ago(2*time.Hour), "1m.mp4")
	if _, err := os.Stat(path); err != nil { // its listing takes a while; it is remembered
		t.Fatal(err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		cat := exec.CommandContext(t.Context(), "cat", path)
		cat.Dir = "/"
		if err := cat.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cat.Wait() }()
		waitInOpen(t, cat.Process.Pid)
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
		wantXattr(t, path, "size", "estimate") // so the stat did not wait for the head
		if err := cat.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		err := <-ended
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != signal {
			t.Errorf("cat ended with %v, want %v", err, signal)
		}
		wantXattr(t, path, "size", "estimate") // so it ended before the head came
	}
	if _, err := os.ReadFile(path); err != nil {
		t.Errorf("read after that: %v", err)
	}
}

func TestAbortFreesEverybody(t *testing.T) {
	harness.Need(t, "cat")
	if os.Geteuid() != 0 {
		harness.Skip(t, "only root can abort a connection")
	}
	m := harness.StartMount(t, testcard(t, "--latency", "5s"))
	cat := exec.CommandContext(t.Context(), "cat", m.Join("door", ago(2*time.Hour), "1m.mp4"))
	cat.Dir = "/"
	if err := cat.Start(); err != nil {
		t.Fatal(err)
	}
	waitInOpen(t, cat.Process.Pid)
	conn, err := fuseconn.Find(m.Path)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Waiting(); n == 0 || err != nil {
		t.Errorf("%d requests wait, %v; want the open", n, err)
	}
	if err := conn.Abort(); err != nil {
		t.Fatal(err)
	}
	if err := cat.Wait(); exitCode(err) != failed {
		t.Errorf("cat after the abort: %v, want exit code %d", err, failed)
	}
	if !m.Logs("aborted from outside") {
		t.Error("the mount does not say that it was aborted")
	}
	for deadline := time.Now().Add(10 * time.Second); m.Mounted(t) || syscall.Kill(m.PID(), 0) == nil; {
		if time.Now().After(deadline) {
			t.Fatal("an aborted mount or its process was left behind")
		}
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // the harness, which wants mounts to end well, is to notice that this one has ended
	// Not conn: the kernel has given its number to another mount by now, perhaps of another test.
	if err := (fuseconn.Conn{ID: 1<<20 - 1}).Abort(); err != nil {
		t.Errorf("abort of a connection that is gone: %v", err)
	}
}

// waitInOpen waits until a process is in the system call openat of a file on a FUSE mount.
func waitInOpen(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		call, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid))
		if err != nil {
			t.Fatal(err)
		}
		where, err := os.ReadFile(fmt.Sprintf("/proc/%d/wchan", pid))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(call), fmt.Sprintf("%d ", unix.SYS_OPENAT)) && string(where) != "0" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d does not wait in open: %s in %s", pid, call, where)
		}
	}
}
