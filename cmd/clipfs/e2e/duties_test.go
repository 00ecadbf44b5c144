//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// readable is what the duties of a read-only file system are tried on.
type readable struct {
	mount *harness.Mount
	// dir is a directory of clips, file one of them, and want what that holds.
	dir, file string
	want      []byte
	fd        int
}

// newReadable mounts the test card and reads a clip of it.
func newReadable(t *testing.T) *readable {
	t.Helper()
	m := harness.StartMount(t, harness.StartEmulator(t, "--stream", "testcard=testcard"))
	r := &readable{mount: m, dir: m.Join("testcard", nameOf(time.Now().Add(-time.Hour).Truncate(time.Minute)))}
	r.file = filepath.Join(r.dir, "1m.mp4")
	var err error
	if r.want, err = os.ReadFile(r.file); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(r.file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	r.fd = int(f.Fd())
	return r
}

// open opens and closes a path, and gives the error.
func open(path string, flags int) error {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o644)
	for errors.Is(err, unix.EINTR) {
		fd, err = unix.Open(path, flags|unix.O_CLOEXEC, 0o644)
	}
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// second gives the error of a call that gives something too.
func second[T any](_ T, err error) error { return err }

// TestDuties: what POSIX and Linux have of calls that read. Of the cases that go-fuse keeps for file systems
// (posixtest) each begins by writing, so that none can be run here as it is; these are their counterparts on what is there already.
func TestDuties(t *testing.T) {
	r := newReadable(t)
	t.Run("errors", r.errors)
	t.Run("writes", r.writes)
	t.Run("seek", r.seek)
	t.Run("reads", r.reads)
	t.Run("locks", r.locks)
	t.Run("directories", r.directories)
	t.Run("links", r.links)
	t.Run("opens", r.opens)
	t.Run("names", r.names)
}

// errors: each misuse has its own error.
func (r *readable) errors(t *testing.T) {
	latest := r.mount.Join("testcard", "latest")
	for _, test := range []struct {
		what string
		err  error
		want error
	}{
		{"open a directory as a file", open(r.dir, unix.O_WRONLY), unix.EISDIR},
		{"open a file as a directory", open(r.file, unix.O_DIRECTORY), unix.ENOTDIR},
		{"go on below a file", open(r.file+"/x", unix.O_RDONLY), unix.ENOTDIR},
		{"a file with a slash behind it", open(r.file+"/", unix.O_RDONLY), unix.ENOTDIR},
		{"open a link as it is", open(latest, unix.O_NOFOLLOW), unix.ELOOP},
		{"make what is there", open(r.file, unix.O_CREAT|unix.O_EXCL), unix.EEXIST},
		{"make what is there, unless it is", open(r.file, unix.O_CREAT), nil},
		{"read a directory", second(unix.Read(directory(t, r.dir), make([]byte, 10))), unix.EISDIR},
		{"list a file", second(unix.Getdents(r.fd, make([]byte, 1000))), unix.ENOTDIR},
		{"write to what is open for reading", second(unix.Write(r.fd, []byte("x"))), unix.EBADF},
		{"cut what is open for reading", unix.Ftruncate(r.fd, 0), unix.EINVAL},
		{"the target of what is no link", second(unix.Readlink(r.file, make([]byte, 100))), unix.EINVAL},
		{"a name that is too long for Linux", open(filepath.Join(r.dir, strings.Repeat("x", 5000)), unix.O_RDONLY), unix.ENAMETOOLONG},
		{"a path that is too long", open(strings.Repeat(r.dir+"/../", 100), unix.O_RDONLY), unix.ENAMETOOLONG},
		{"read access", unix.Access(r.file, unix.R_OK), nil},
		{"write access", unix.Access(r.file, unix.W_OK), unix.EROFS},
		{"run it", unix.Access(r.file, unix.X_OK), unix.EACCES},
		{"enter a directory", unix.Access(r.dir, unix.R_OK|unix.X_OK), nil},
		{"write to a directory", unix.Access(r.dir, unix.W_OK), unix.EROFS},
		{"flush", unix.Fsync(r.fd), nil},
		{"flush the bytes", unix.Fdatasync(r.fd), nil},
		{"an attribute that is not there", second(unix.Getxattr(r.file, "user.none", make([]byte, 10))), unix.ENODATA},
		{"an attribute that does not fit", second(unix.Getxattr(r.file, "user.clipfs.stream", make([]byte, 1))), unix.ERANGE},
		{"control a device", second(unix.IoctlGetTermios(r.fd, unix.TCGETS)), unix.ENOTTY},
	} {
		if !errors.Is(test.err, test.want) {
			t.Errorf("%s: got %v, want %v", test.what, test.err, test.want)
		}
	}
}

// directory opens one until the test is over.
func directory(t *testing.T, path string) int {
	t.Helper()
	fd, err := unix.Open(path, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// writes: whatever would change something is EROFS.
func (r *readable) writes(t *testing.T) {
	other := filepath.Join(r.dir, "x")
	times := []unix.Timespec{{}, {}}
	for what, err := range map[string]error{
		"open to append":        open(r.file, unix.O_WRONLY|unix.O_APPEND),
		"open and cut":          open(r.file, unix.O_RDONLY|unix.O_TRUNC),
		"open to change":        open(r.file, unix.O_RDWR),
		"a file":                open(other, unix.O_CREAT|unix.O_RDWR),
		"a nameless file":       open(r.dir, unix.O_TMPFILE|unix.O_RDWR),
		"a directory":           unix.Mkdir(other, 0o755),
		"a pipe":                unix.Mkfifo(other, 0o644),
		"a device":              unix.Mknod(other, unix.S_IFCHR|0o644, 0),
		"a link":                unix.Link(r.file, other),
		"a symbolic link":       unix.Symlink("x", other),
		"remove":                unix.Unlink(r.file),
		"remove a link":         unix.Unlink(r.mount.Join("testcard", "latest")),
		"remove a dir":          unix.Rmdir(r.dir),
		"rename":                unix.Rename(r.file, other),
		"exchange":              unix.Renameat2(unix.AT_FDCWD, r.file, unix.AT_FDCWD, filepath.Join(r.dir, "5m.mp4"), unix.RENAME_EXCHANGE),
		"cut":                   unix.Truncate(r.file, 0),
		"mode":                  unix.Chmod(r.file, 0o777),
		"mode of what is open":  unix.Fchmod(r.fd, 0o777),
		"owner":                 unix.Lchown(r.mount.Join("testcard", "latest"), 1, 1),
		"times":                 unix.UtimesNanoAt(unix.AT_FDCWD, r.file, times, 0),
		"an attribute":          unix.Setxattr(r.file, "user.x", []byte("y"), 0),
		"remove an attribute":   unix.Removexattr(r.file, "user.clipfs.stream"),
		"an attribute of a dir": unix.Setxattr(r.dir, "user.x", []byte("y"), 0),
	} {
		if !errors.Is(err, unix.EROFS) {
			t.Errorf("%s: got %v, want EROFS", what, err)
		}
	}
	if got, err := os.ReadFile(r.file); err != nil || !bytes.Equal(got, r.want) {
		t.Errorf("after all that: %d bytes, %v", len(got), err)
	}
}

// seek: holes are where files have none, at their end (posixtest LseekHoleSeeksToEOF, LseekEnxioCheck).
func (r *readable) seek(t *testing.T) {
	size := int64(len(r.want))
	for _, test := range []struct {
		offset int64
		whence int
		want   int64
		err    error
	}{
		{0, unix.SEEK_SET, 0, nil}, {size + 100, unix.SEEK_SET, size + 100, nil}, {-1, unix.SEEK_SET, 0, unix.EINVAL},
		{0, unix.SEEK_END, size, nil}, {-size, unix.SEEK_END, 0, nil}, {-size - 1, unix.SEEK_END, 0, unix.EINVAL},
		{0, unix.SEEK_DATA, 0, nil}, {100, unix.SEEK_DATA, 100, nil}, {size, unix.SEEK_DATA, 0, unix.ENXIO},
		{0, unix.SEEK_HOLE, size, nil}, {100, unix.SEEK_HOLE, size, nil}, {size, unix.SEEK_HOLE, 0, unix.ENXIO},
		{0, 99, 0, unix.EINVAL},
	} {
		got, err := unix.Seek(r.fd, test.offset, test.whence)
		if !errors.Is(err, test.err) || err == nil && got != test.want {
			t.Errorf("seek to %d by %d: got %d, %v; want %d, %v", test.offset, test.whence, got, err, test.want, test.err)
		}
	}
}

// reads: at, across and behind the end, in pieces, past the page cache, mapped, and from one file to another.
func (r *readable) reads(t *testing.T) {
	size := len(r.want)
	for _, at := range []int{0, 1, 4095, 4096, size - 1, size, size + 1, size + 1<<20} {
		b := make([]byte, 5000)
		n, err := unix.Pread(r.fd, b, int64(at))
		want := r.want[min(at, size):min(at+len(b), size)]
		if err != nil || !bytes.Equal(b[:n], want) {
			t.Errorf("read at %d: %d bytes, %v; want %d", at, n, err, len(want))
		}
	}
	parts := [][]byte{make([]byte, 1), make([]byte, 4096), make([]byte, 17)}
	if n, err := unix.Preadv(r.fd, parts, 100); err != nil || !bytes.Equal(bytes.Join(parts, nil), r.want[100:100+n]) || n != 4114 {
		t.Errorf("read in pieces: %d, %v", n, err)
	}
	if n, err := unix.Pread(r.fd, nil, 0); n != 0 || err != nil {
		t.Errorf("read nothing: %d, %v", n, err)
	}
	direct, err := os.OpenFile(r.file, os.O_RDONLY|unix.O_DIRECT, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = direct.Close() }()
	if got, err := io.ReadAll(direct); err != nil || !bytes.Equal(got, r.want) {
		t.Errorf("past the page cache: %d bytes, %v", len(got), err)
	}
	for _, flags := range []int{unix.MAP_PRIVATE, unix.MAP_SHARED} {
		mapped, err := unix.Mmap(r.fd, 0, size, unix.PROT_READ, flags)
		if err != nil || !bytes.Equal(mapped, r.want) {
			t.Errorf("mapped (%d): %d bytes, %v", flags, len(mapped), err)
		}
		_ = unix.Munmap(mapped)
	}
	if _, err := unix.Mmap(r.fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); !errors.Is(err, unix.EACCES) {
		t.Errorf("mapped for writing: %v", err)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "copy"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	from := int64(0)
	for {
		n, err := unix.CopyFileRange(r.fd, &from, int(out.Fd()), nil, 1<<20, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EOPNOTSUPP) { // cp goes on by reading then
			return
		}
		if err != nil || n == 0 {
			break
		}
	}
	if got, err := os.ReadFile(out.Name()); err != nil || !bytes.Equal(got, r.want) {
		t.Errorf("copied by the kernel: %d bytes, %v", len(got), err)
	}
}

// locks: those for reading and whole-file ones can be had and exclude each other (posixtest FcntlFlockSetLk,
// FcntlFlockLocksFile).
func (r *readable) locks(t *testing.T) {
	other, err := os.Open(r.file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	for _, step := range []struct {
		fd, how int
		want    error
	}{
		{r.fd, unix.LOCK_SH, nil}, {int(other.Fd()), unix.LOCK_SH, nil}, {r.fd, unix.LOCK_EX, unix.EWOULDBLOCK},
		{int(other.Fd()), unix.LOCK_UN, nil}, {r.fd, unix.LOCK_EX, nil}, {int(other.Fd()), unix.LOCK_SH, unix.EWOULDBLOCK}, {r.fd, unix.LOCK_UN, nil},
	} {
		if err := unix.Flock(step.fd, step.how|unix.LOCK_NB); !errors.Is(err, step.want) {
			t.Errorf("flock(%d, %d): got %v, want %v", step.fd, step.how, err, step.want)
		}
	}
	shared := unix.Flock_t{Type: unix.F_RDLCK, Len: 10}
	if err := unix.FcntlFlock(uintptr(r.fd), unix.F_OFD_SETLK, &shared); err != nil {
		t.Errorf("lock for reading: %v", err)
	}
	for _, command := range []int{unix.F_SETLK, unix.F_OFD_SETLK} {
		if err := unix.FcntlFlock(uintptr(r.fd), command, &unix.Flock_t{Type: unix.F_WRLCK, Len: 10}); !errors.Is(err, unix.EBADF) {
			t.Errorf("lock for writing of what is open for reading: got %v, want EBADF", err)
		}
	}
	shared.Type = unix.F_UNLCK
	if err := unix.FcntlFlock(uintptr(r.fd), unix.F_OFD_SETLK, &shared); err != nil {
		t.Errorf("unlock: %v", err)
	}
}

// directories: a listing is the same each time and in pieces, and says what stat says (posixtest ReadDirBasic,
// ReadDirConsistency, DirSeek).
func (r *readable) directories(t *testing.T) {
	dir := filepath.Dir(r.dir)
	for _, path := range []string{r.mount.Path, dir, r.dir} {
		fd := directory(t, path)
		all := entries(t, fd, 64<<10)
		if len(all) == 0 {
			t.Errorf("%s has no entries", path)
		}
		if _, err := unix.Seek(fd, 0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if again := entries(t, fd, 200); !slices.Equal(all, again) { // one or two at a time
			t.Errorf("%s in small pieces: %v, and %v at once", path, again, all)
		}
		for i, e := range all {
			var s unix.Stat_t
			if err := unix.Lstat(filepath.Join(path, e.name), &s); err != nil || s.Ino != e.ino || s.Mode&unix.S_IFMT != uint32(e.kind)<<12 {
				t.Errorf("%s is listed as %+v, and stat says %d, %o, %v", e.name, e, s.Ino, s.Mode, err)
			}
			// Going back to a place gives what comes after it.
			if _, err := unix.Seek(fd, e.next, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			if rest := entries(t, fd, 64<<10); !slices.Equal(rest, all[i+1:]) {
				t.Errorf("%s from place %d: %v, want %v", path, e.next, rest, all[i+1:])
			}
		}
	}
	if up, err := os.Stat(r.dir + "/.."); err != nil || !up.IsDir() {
		t.Errorf("..: %v, %v", up, err)
	}
	a, _ := os.Stat(dir)
	if b, err := os.Stat(r.dir + "/./../."); err != nil || !os.SameFile(a, b) {
		t.Errorf("./../. is not the directory above: %v", err)
	}
}

// dirEntry is one entry as getdents64(2) gives it.
type dirEntry struct {
	name string
	ino  uint64
	kind uint8
	next int64
}

// entries reads a directory from where it is to its end, so many bytes at a time.
func entries(t *testing.T, fd, size int) (all []dirEntry) {
	t.Helper()
	b := make([]byte, size)
	for {
		n, err := unix.Getdents(fd, b)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return all
		}
		for rest := b[:n]; len(rest) > 0; {
			e, size := parseEntry(rest)
			if e.name != "." && e.name != ".." {
				all = append(all, e)
			}
			rest = rest[size:]
		}
	}
}

// parseEntry reads the first entry of what getdents64 gave, and how long it is.
func parseEntry(b []byte) (e dirEntry, size int) {
	native := binary.NativeEndian
	size = int(native.Uint16(b[16:]))
	name, _, _ := bytes.Cut(b[19:size], []byte{0})
	return dirEntry{name: string(name), ino: native.Uint64(b), kind: b[18], next: int64(native.Uint64(b[8:]))}, size
}

// links: what a link says is where it leads (posixtest SymlinkReadlink).
func (r *readable) links(t *testing.T) {
	latest := r.mount.Join("testcard", "latest")
	info, err := os.Lstat(latest)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Fatalf("%v, %v", info, err)
	}
	target, err := os.Readlink(latest)
	if err != nil || int64(len(target)) != info.Size() {
		t.Errorf("target %q of %d bytes, %v; stat says %d", target, len(target), err, info.Size())
	}
	if through, err := os.Stat(latest); err != nil || !through.IsDir() {
		t.Errorf("through it: %v, %v", through, err)
	}
	short := make([]byte, 4)
	if n, err := unix.Readlink(latest, short); err != nil || string(short[:n]) != target[:4] {
		t.Errorf("into four bytes: %q, %v", short[:n], err)
	}
}
