//go:build e2e

package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/clip/shared/gateway"
	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a file system of so many bytes and gives the path of a directory on it.
func smallDisk(t *testing.T, size int64) string {
	t.Helper()
	if os.Geteuid() != 0 {
		harness.Skip(t, "only root can mount a small disk")
	}
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("clipfs-test", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// troubled is what clips hold, read through a mount whose disk is well.
type troubled struct {
	at    time.Time
	names []string
	bytes map[string][]byte
}

// minutes reads some clips: of single calls and of many.
func minutes(t *testing.T, e *harness.Emulator) troubled {
	t.Helper()
	f := troubled{at: time.Now().UTC().Add(-2 * time.Hour).Truncate(time.Hour), bytes: make(map[string][]byte)}
	m := harness.StartMount(t, e)
	for i := range 6 {
		name := filepath.Join("testcard", nameOf(f.at.Add(time.Duration(i)*time.Minute)), "1m.mp4")
		if i == 5 {
			name = filepath.Join("testcard", nameOf(f.at), "8m.mp4")
		}
		content, err := os.ReadFile(m.Join(name))
		if err != nil {
			t.Fatal(err)
		}
		f.names = append(f.names, name)
		f.bytes[name] = content
	}
	m.Stop(t, syscall.SIGINT)
	return f
}

// right fails unless every clip reads right through a mount.
func (f troubled) right(t *testing.T, m *harness.Mount, when string) {
	t.Helper()
	for _, name := range f.names {
		if got, err := os.ReadFile(m.Join(name)); err != nil || !bytes.Equal(got, f.bytes[name]) {
			t.Errorf("%s: %s: %d bytes, %v; want %d", when, name, len(got), err, len(f.bytes[name]))
		}
	}
}

// TestDiskTrouble: whatever becomes of the disk under the cache, reads give the right bytes, or an errno where there is
// no place left to put them, and the mount goes on.
func TestDiskTrouble(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	f := minutes(t, e)
	t.Run("full, with memory", f.full(e))
	t.Run("full, without memory", f.fullWithoutMemory(e))
	t.Run("full, with a shared cache", f.fullAndShared(e))
	t.Run("read-only", f.readOnly(e))
	t.Run("read-only from the start", f.readOnlyFromTheStart(e))
	t.Run("files changed", f.changed(e))
	t.Run("files removed", f.removed(e))
	t.Run("directory removed", f.directoryRemoved(e))
}

// fill takes the disk what space it has, and gives what takes it back.
func fill(t *testing.T, disk string) (empty func()) {
	t.Helper()
	path := filepath.Join(disk, "full")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	for err == nil {
		_, err = out.Write(make([]byte, 64<<10))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// full: what the disk takes no more goes to memory.
func (f troubled) full(e *harness.Emulator) func(*testing.T) {
	return func(t *testing.T) {
		disk := smallDisk(t, 4<<20)
		m := harness.StartMountWith(t, e, nil, filepath.Join(disk, "cache"))
		empty := fill(t, disk)
		f.right(t, m, "disk full")
		empty()
		f.right(t, m, "space again")
	}
}

// fullWithoutMemory: without a place to put footage a read is ENOSPC, and right when there is space again.
func (f troubled) fullWithoutMemory(e *harness.Emulator) func(*testing.T) {
	return func(t *testing.T) {
		disk := smallDisk(t, 8<<20)
		m := harness.StartMountWith(t, e, nil, filepath.Join(disk, "cache"), "--memory", "0")
		empty := fill(t, disk)
		for _, name := range f.names {
			begun := time.Now()
			if got, err := os.ReadFile(m.Join(name)); !errors.Is(err, unix.ENOSPC) {
				t.Errorf("disk full: %s: %d bytes, %v; want ENOSPC", name, len(got), err)
			}
			if took := time.Since(begun); took > 30*time.Second {
				t.Errorf("%s failed after %s", name, took)
			}
		}
		if _, err := os.ReadDir(m.Join("testcard")); err != nil {
			t.Errorf("listing: %v", err)
		}
		empty()
		f.right(t, m, "space again")
	}
}

// fullAndShared: a host whose disk is full reads right of the bucket and of the archive, and where it has no memory either it holds no other
// host up.
func (f troubled) fullAndShared(e *harness.Emulator) func(*testing.T) {
	return func(t *testing.T) {
		flags := sharing(t, gateway.Start(t))
		var hosts []*harness.Mount
		for _, memory := range []string{"0", "64MiB"} {
			disk := smallDisk(t, 4<<20)
			m := harness.StartMountWith(t, e, nil, filepath.Join(disk, "cache"), append(flags, "--memory", memory)...)
			fill(t, disk)
			if memory != "0" {
				hosts = append(hosts, m)
				f.right(t, m, "disk full, with a shared cache")
				continue
			}
			for _, name := range f.names {
				if got, err := os.ReadFile(m.Join(name)); !errors.Is(err, unix.ENOSPC) {
					t.Errorf("disk full: %s: %d bytes, %v; want ENOSPC", name, len(got), err)
				}
			}
		}
		begun := time.Now()
		well := harness.StartMount(t, e, flags...)
		f.right(t, well, "another host")
		if took := time.Since(begun); took > time.Minute { // a lease that nobody ends holds it up for ten
			t.Errorf("another host was held up for %s", took)
		}
		hosts = append(hosts, well)
		eventually(t, "all is shared", func() bool {
			return !slices.ContainsFunc(hosts, func(m *harness.Mount) bool { return statusOfShared(t, m).Shared.Waiting > 0 })
		})
		before := e.Calls(t, "GetClip")
		disk := smallDisk(t, 4<<20)
		last := harness.StartMountWith(t, e, nil, filepath.Join(disk, "cache"), flags...)
		fill(t, disk)
		f.right(t, last, "disk full, and all in the shared cache")
		if n := e.Calls(t, "GetClip") - before; n != 0 {
			t.Errorf("of what is in the shared cache a host whose disk is full made %d GetClip calls", n)
		}
	}
}

// readOnly: a disk that becomes read-only, as one does that has errors, is done without.
func (f troubled) readOnly(e *harness.Emulator) func(*testing.T) {
	return func(t *testing.T) {
		disk := smallDisk(t, 64<<20)
		m := harness.StartMountWith(t, e, nil, filepath.Join(disk, "cache"))
		first := f.names[0]
		if got, err := os.ReadFile(m.Join(first)); err != nil || !bytes.Equal(got, f.bytes[first]) {
			t.Fatal(err)
		}
		// The lock and the file of sizes are open for writing, so a plain remount is refused. What the kernel does to a disk
		// with errors it does not do to tmpfs; a read-only bind mount over the data is what new files meet.
		for _, dir := range []string{"data2", "heads/data2", "timeline"} {
			path := filepath.Join(disk, "cache", dir)
			if err := errors.Join(unix.Mount(path, path, "", unix.MS_BIND, ""),
				unix.Mount("", path, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = unix.Unmount(path, unix.MNT_DETACH) })
		}
		f.right(t, m, "read-only")
		if n := strings.Count(m.Log(), "level=WARN"); n > 100 {
			t.Errorf("%d warnings", n)
		}
	}
}

// readOnlyFromTheStart: a cache that cannot be used is said so at once.
func (f troubled) readOnlyFromTheStart(e *harness.Emulator) func(*testing.T) {
	return func(t *testing.T) {
		disk := smallDisk(t, 1<<20)
		if err := unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		_, stderr, err := harness.TryRun(t, harness.Binary(t), "mount", "--endpoint-url", e.Endpoint, "--cache-dir", filepath.Join(disk, "cache"), t.TempDir())
		if err == nil || !strings.Contains(string(stderr), "read-only file system") || !strings.Contains(string(stderr), disk) {
			t.Errorf("%v, %s; want that the disk is read-only", err, stderr)
		}
	}
}

// payloads gives the files of a cache that hold media and heads.
func payloads(t *testing.T, cache string) (paths []string) {
	t.Helper()
	eventually(t, "all entries are whole", func() bool { // one that is written yet gets another name then
		paths = nil
		for _, dir := range []string{"data2", "heads/data2"} {
			found, err := filepath.Glob(filepath.Join(cache, dir, "*"))
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, found...)
		}
		return !slices.ContainsFunc(paths, func(path string) bool { return strings.HasSuffix(path, ".part") })
	})
	if len(paths) < 10 {
		t.Fatalf("%d files in the cache", len(paths))
	}
	return paths
}

// changed: files that are cut, grown, and changed while the mount runs or while it does not are not believed.
func (f troubled) changed(e *harness.Emulator) func(*testing.T) {
	return func(t *testing.T) {
		spoil := map[string]func(path string, size int64) error{
			"cut":     func(path string, size int64) error { return os.Truncate(path, size/2) },
			"emptied": func(path string, _ int64) error { return os.Truncate(path, 0) },
			"grown":   func(path string, size int64) error { return os.Truncate(path, size+5000) },
			"changed": func(path string, size int64) error {
				out, err := os.OpenFile(path, os.O_WRONLY, 0)
				if err != nil {
					return err
				}
				_, err = out.WriteAt([]byte("this is not footage"), size/3)
				return errors.Join(err, out.Close())
			},
			"a directory": func(path string, _ int64) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
			"a link":      func(path string, _ int64) error { return errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path)) },
		}
		for how, do := range spoil {
			t.Run(how, func(t *testing.T) {
				m := harness.StartMount(t, e)
				f.right(t, m, "whole")
				m.Stop(t, syscall.SIGINT)
				for _, path := range payloads(t, m.Cache) {
					info, err := os.Stat(path)
					if err == nil {
						err = do(path, info.Size())
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				m = harness.Remount(t, m, e)
				f.right(t, m, how+" before the mount")
				for _, path := range payloads(t, m.Cache) {
					// What is open is not looked at again until it is closed, which cmd/clipfs/README.md says.
					if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && !openBy(t, m)[path] {
						_ = do(path, info.Size()) // it may have gone in this moment
					}
				}
				if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("1"), 0); err != nil {
					t.Fatal(err)
				}
				f.right(t, m, how+" beside the mount")
			})
		}
	}
}

// openBy gives the files that a mount has open.
func openBy(t *testing.T, m *harness.Mount) map[string]bool {
	t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", m.PID()))
	if err != nil {
		t.Fatal(err)
	}
	open := make(map[string]bool)
	for _, link := range links {
		if path, err := os.Readlink(link); err == nil { // it may have been closed in this moment
			open[path] = true
		}
	}
	return open
}

// removed: files that are gone are fetched again.
func (f troubled) removed(e *harness.Emulator) func(*testing.T) {
	return func(t *testing.T) {
		m := harness.StartMount(t, e)
		f.right(t, m, "whole")
		open, err := os.Open(m.Join(f.names[0]))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = open.Close() }()
		for _, path := range payloads(t, m.Cache) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		f.right(t, m, "removed")
		got := make([]byte, 1000)
		if _, err := open.ReadAt(got, 5000); err != nil || !bytes.Equal(got, f.bytes[f.names[0]][5000:6000]) {
			t.Errorf("what was open: %v", err)
		}
	}
}

// directoryRemoved: the same when the whole directory goes, and nothing is left of it elsewhere.
func (f troubled) directoryRemoved(e *harness.Emulator) func(*testing.T) {
	return func(t *testing.T) {
		m := harness.StartMountWith(t, e, nil, filepath.Join(t.TempDir(), "cache"))
		if _, err := os.ReadFile(m.Join(f.names[0])); err != nil {
			t.Fatal(err)
		}
		// What the read has brought is still being written: it may be there again in a directory that is being removed.
		eventually(t, "the directory is removed", func() bool { return os.RemoveAll(m.Cache) == nil })
		f.right(t, m, "directory removed")
		f.right(t, m, "directory removed, again")
		m.Stop(t, syscall.SIGINT)
		if _, err := os.Lstat(m.Cache); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		m = harness.Remount(t, m, e)
		f.right(t, m, "mounted again")
	}
}
