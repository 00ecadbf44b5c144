//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// xattr reads an extended attribute. Signals that Go sends itself interrupt a call that waits for a listing.
func xattr(t *testing.T, path, name string) string {
	t.Helper()
	b := make([]byte, 4096)
	n, err := unix.Getxattr(path, name, b)
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Getxattr(path, name, b)
	}
	if err != nil {
		t.Fatalf("%s of %s: %v", name, path, err)
	}
	return string(b[:n])
}

// TestErrors: what cannot be had is answered with the errno of the table, and the mount goes on.
func TestErrors(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--retention", "24h")
	m := harness.StartMount(t, e)
	good := m.Join("testcard", nameOf(time.Now().Add(-time.Hour).Truncate(time.Minute)), "1m.mp4")
	hour := func(ago time.Duration) string { return time.Now().UTC().Add(-ago).Format("2006-01-02T15:04") }
	for _, test := range []struct {
		name string
		path string
		want error
	}{
		{"no stream", m.Join("garage", hour(time.Hour), "1m.mp4"), syscall.ENOENT},
		{"no name of a stream", m.Join("what is this?"), syscall.ENOENT},
		{"no start", m.Join("testcard", "yesterday"), syscall.ENOENT},
		{"no day", m.Join("testcard", "2023-02-29"), syscall.ENOENT},
		{"no length", m.Join("testcard", hour(time.Hour), "1w.mp4"), syscall.ENOENT},
		{"no clip", m.Join("testcard", hour(time.Hour), "1m.mkv"), syscall.ENOENT},
		{"over 24 h", m.Join("testcard", hour(time.Hour), "24h1s.mp4"), syscall.ENOENT},
		{"end before start", m.Join("testcard", hour(time.Hour), hour(2*time.Hour)+".mp4"), syscall.ENOENT},
		{"start in the future", m.Join("testcard", hour(-time.Hour), "1m.mp4"), syscall.ENOENT},
		{"before retention", m.Join("testcard", hour(30*time.Hour), "1m.mp4"), syscall.ENOENT},
	} {
		if _, err := os.ReadFile(test.path); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
	if got := e.Calls(t, "GetClip"); got != 0 {
		t.Errorf("errors cost %d GetClip calls", got)
	}
	// A future end is no error: the clip is what there is so far.
	if p := ffprobe(t, m.Join("testcard", hour(4*time.Minute), time.Now().UTC().Add(time.Hour).Format("2006-01-02T15:04")+".mp4")); len(p.Streams) != 2 {
		t.Errorf("a clip up to the future: %v", p)
	}
	readOnly(t, m, good)
	if _, err := os.ReadFile(good); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// TestTooMuchToOpen: where moov comes last, heads cost as much as media, and a clip of more than --max-open-fetch is refused
// with what it would take, for the price of one call.
func TestTooMuchToOpen(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--retention", "24h", "--moov", "last")
	m := harness.StartMount(t, e, "--max-open-fetch", "1MiB")
	start := time.Now().UTC().Add(-3 * time.Hour).Format("2006-01-02T15:04")
	long := m.Join("testcard", start, "10m.mp4")
	if _, err := os.ReadFile(long); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("got %v, want EFBIG", err)
	}
	if reason := xattr(t, long, "user.clipfs.error"); !strings.Contains(reason, "1048576") {
		t.Errorf("user.clipfs.error: %q", reason)
	}
	if got := e.Calls(t, "GetClip"); got != 1 {
		t.Errorf("%d GetClip calls, want 1", got)
	}
	if _, err := os.ReadFile(m.Join("testcard", start, "1m.mp4")); err != nil {
		t.Errorf("a minute: %v", err)
	}
}

// readOnly tries to change things.
func readOnly(t *testing.T, m *harness.Mount, file string) {
	t.Helper()
	open := func(flags int) error {
		f, err := os.OpenFile(file, flags, 0)
		if err == nil {
			_ = f.Close()
		}
		return err
	}
	for what, err := range map[string]error{
		"open for writing": open(os.O_WRONLY), "open and truncate": open(os.O_RDWR | os.O_TRUNC), "create": os.WriteFile(m.Join("testcard", "x"), nil, 0o644),
		"remove": os.Remove(file), "rename": os.Rename(file, file+"2"), "make a directory": os.Mkdir(m.Join("x"), 0o755), "chmod": os.Chmod(file, 0o600),
		"set times": os.Chtimes(file, time.Now(), time.Now()), "truncate": os.Truncate(file, 0), "link": os.Symlink("x", m.Join("y")),
		"set an attribute": unix.Setxattr(file, "user.x", []byte("y"), 0),
	} {
		if !errors.Is(err, syscall.EROFS) {
			t.Errorf("%s: got %v, want EROFS", what, err)
		}
	}
}

// TestAttributes: what stat and the extended attributes tell of a clip, before and after it was read.
func TestAttributes(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e)
	from := time.Now().UTC().Add(-time.Hour).Truncate(time.Minute)
	path := m.Join("testcard", nameOf(from), "1m.mp4")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := before.Mode(); got != 0o444 {
		t.Errorf("mode %s", got)
	}
	if got, want := before.ModTime(), from.Add(time.Minute); !got.Equal(want) {
		t.Errorf("mtime %s, want the end of the span, %s", got, want)
	}
	for name, want := range map[string]string{
		"stream": "testcard", "start": from.Format("2006-01-02T15:04:05Z"), "end": from.Add(time.Minute).Format("2006-01-02T15:04:05Z"),
		"fragments": "30", "size": "estimate",
	} {
		if got := xattr(t, path, "user.clipfs."+name); !strings.HasPrefix(strings.TrimSuffix(got, "Z"), strings.TrimSuffix(want, "Z")) {
			t.Errorf("user.clipfs.%s: got %q, want %q", name, got, want)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(path)
	if err != nil || after.Size() != int64(len(content)) || before.Size() < after.Size() {
		t.Errorf("size %d, %v, of a file of %d bytes; the estimate was %d", after.Size(), err, len(content), before.Size())
	}
	if got := xattr(t, path, "user.clipfs.size"); got != "exact" {
		t.Errorf("user.clipfs.size: got %q after the file was read", got)
	}
	again := m.Join("testcard", nameOf(from), "60s.mp4")
	if other, err := os.Stat(again); err != nil || other.Size() != after.Size() {
		t.Errorf("60s.mp4 is %d bytes, %v; 1m.mp4 %d", other.Size(), err, after.Size())
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(m.Path, &fs); err != nil || fs.Blocks == 0 || fs.Flags&unix.ST_RDONLY == 0 || fs.Flags&unix.ST_NOSUID == 0 || fs.Flags&unix.ST_NODEV == 0 {
		t.Errorf("statfs: %+v, %v; want blocks, ro, nosuid and nodev", fs, err)
	}
}

// TestBadCredentials: EACCES, quickly, and said which action.
func TestBadCredentials(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--credentials", "test:another-secret")
	m := harness.StartMount(t, e)
	begun := time.Now()
	if _, err := os.ReadDir(m.Path); !errors.Is(err, syscall.EACCES) {
		t.Errorf("list streams: got %v, want EACCES", err)
	}
	if _, err := os.ReadFile(m.Join("testcard", nameOf(time.Now().Add(-time.Hour)), "1m.mp4")); !errors.Is(err, syscall.EACCES) {
		t.Errorf("read: got %v, want EACCES", err)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("being refused took %s: it is not to be tried again", took)
	}
	if !m.Logs("DescribeStream") {
		t.Error("the log does not name the action")
	}
	if strings.Contains(m.Log(), "test-secret") {
		t.Error("the log has the secret key")
	}
}

// TestOpenOfWhatChanged: who opens a path whose footage is another one by now than when the name was looked up has what
// there is now, and no error: nothing was open, so nothing is stale.
func TestOpenOfWhatChanged(t *testing.T) {
	t.Parallel()
	harness.Need(t, debianCLI)
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--retention", "3h")
	m := harness.StartMount(t, e)
	from := time.Now().UTC().Add(-2*time.Hour - 5*time.Minute).Truncate(time.Minute)
	path := m.Join("testcard", nameOf(from), "10m.mp4")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	version := harness.Run(t, debianCLI, "kinesisvideo", "describe-stream", "--endpoint-url", e.Endpoint, "--stream-name", "testcard",
		"--query", "StreamInfo.Version", "--output", "text")
	harness.Run(t, debianCLI, "kinesisvideo", "update-data-retention", "--endpoint-url", e.Endpoint, "--stream-name", "testcard",
		"--current-version", strings.TrimSpace(string(version)), "--operation", "DECREASE_DATA_RETENTION", "--data-retention-change-in-hours", "1")
	earliest := time.Now().UTC().Add(-2*time.Hour - time.Minute)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	after, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(f)
	if err != nil || int64(len(content)) != after.Size() {
		t.Errorf("%d bytes of %d, %v", len(content), after.Size(), err)
	}
	edge := time.Now().UTC().Add(-2 * time.Hour)
	opened := fmt.Sprintf("/proc/self/fd/%d", f.Fd()) // the path is looked up again by its name, and may begin later by now
	first, err := time.Parse(time.RFC3339Nano, xattr(t, opened, "user.clipfs.first"))
	if err != nil || first.Before(earliest) || first.After(edge.Add(3*time.Second)) {
		t.Errorf("begins %s, %v; want %s to %s", first, err, earliest, edge)
	}
	fragments, err := strconv.Atoi(xattr(t, opened, "user.clipfs.fragments"))
	copied := filepath.Join(t.TempDir(), "copy.mp4")
	if err := errors.Join(err, os.WriteFile(copied, content, 0o600)); err != nil {
		t.Fatal(err)
	}
	if got, want := len(packets(t, copied, "v")), len(storedVideo(stored(t, "testcard=testcard", first, from.Add(10*time.Minute)))); got != want || got != 50*fragments || got == 0 {
		t.Errorf("%d pictures of %d fragments of 50, want %d", got, fragments, want)
	}
	if after.Size() > before.Size()*3/4 {
		t.Errorf("%d bytes, and of what was %d bytes half is gone", after.Size(), before.Size())
	}
}
