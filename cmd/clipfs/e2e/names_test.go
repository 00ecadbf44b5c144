//go:build e2e

package e2e_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"clipfs/clip/emulator/producer"
	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// opens: files opened by directory, side by side and over and over are the same and are let go (posixtest OpenAt,
// ParallelFileOpen, FdLeak).
func (r *readable) opens(t *testing.T) {
	dir := directory(t, r.dir)
	fd, err := unix.Openat(dir, "1m.mp4", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var a, b unix.Stat_t
	if err := errors.Join(unix.Fstat(fd, &a), unix.Fstat(r.fd, &b), unix.Close(fd)); err != nil || a.Ino != b.Ino || a.Size != b.Size {
		t.Errorf("by its directory: %d of %d bytes, by its path %d of %d, %v", a.Ino, a.Size, b.Ino, b.Size, err)
	}
	before := descriptors(t, r.mount)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 50 {
				f, err := os.Open(r.file)
				if err != nil {
					t.Error(err)
					return
				}
				head := make([]byte, 100)
				if _, err := io.ReadFull(f, head); err != nil || !bytes.Equal(head, r.want[:100]) {
					t.Errorf("%x, %v", head, err)
				}
				_ = f.Close()
			}
		})
	}
	wg.Wait()
	eventually(t, "descriptors are given back", func() bool { return descriptors(t, r.mount) <= before+4 })
}

// names: whatever a program asks for that is not in the grammar is not there, in every directory, and none of it costs a
// call of the archive.
func (r *readable) names(t *testing.T) {
	odd := []string{
		" ", "...", "....", "a\nb", "a\tb", "\x01", "\x7f", "\x1b[2J", "\xff\xfe", "\xc3\x28", "\xed\xa0\x80", "ä", "日本", "🎥", "a\u0301", "\u202e4pm.m1",
		"-rf", "*", "?", "$(x)", "`x`", "'", `"`, `\`, `..\..`, "1m.mp4 ", " 1m.mp4", "1m.mp4\n", "1m.MP4", "1m.mp4.", ".1m.mp4", "1m.mp4~",
		strings.Repeat("x", 255), strings.Repeat("9", 250) + "m.mp4", strings.Repeat("é", 127), strings.Repeat("x", 1000), "CON", "nul", "desktop.ini", ".DS_Store",
		"99999999999999999999-01-01", "2024-13-01", "2024-01-01T25:00", "+1m.mp4", "-1m.mp4", "1e3m.mp4", "0x10m.mp4", "١m.mp4", "1m.mp4%00",
	}
	for _, dir := range []string{filepath.Dir(r.dir), r.dir, filepath.Join(filepath.Dir(r.dir), "last")} {
		for _, name := range odd {
			var s unix.Stat_t
			if err := unix.Lstat(dir+"/"+name, &s); !errors.Is(err, unix.ENOENT) {
				t.Errorf("%.40q in %s: got %v, want ENOENT", name, dir, err)
			}
		}
	}
	for _, name := range odd {
		var s unix.Stat_t
		if err := unix.Lstat(r.mount.Path+"/"+name, &s); !errors.Is(err, unix.ENOENT) {
			t.Errorf("%.40q as a stream: got %v, want ENOENT", name, err)
		}
	}
	for _, long := range []int{256, 257, 1024} {
		var s unix.Stat_t
		if err := unix.Lstat(r.mount.Path+"/"+strings.Repeat("x", long), &s); !errors.Is(err, unix.ENOENT) {
			t.Errorf("a stream of %d letters: got %v, want ENOENT", long, err)
		}
	}
	if err := second(os.Stat(r.mount.Path + "/testcard/../testcard/./latest/..")); err != nil {
		t.Errorf("a way with .. in it: %v", err)
	}
}

// TestLookupsAndForgets: looking names up while the kernel forgets them all the time gives the same inodes and bytes.
func TestLookupsAndForgets(t *testing.T) {
	if os.Geteuid() != 0 {
		harness.Skip(t, "only root can have the kernel forget")
	}
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e)
	at := time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Hour)
	path := func(i int) string {
		return m.Join("testcard", nameOf(at.Add(time.Duration(i%10)*time.Minute)), fmt.Sprintf("%ds.mp4", 4+2*(i%3)))
	}
	want := make(map[string][]byte)
	inodes := make(map[string]uint64)
	for i := range 30 {
		content, err := os.ReadFile(path(i))
		if err != nil {
			t.Fatal(err)
		}
		want[path(i)], inodes[path(i)] = content, inode(t, path(i))
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if got, err := os.ReadFile(path(i)); err != nil || !bytes.Equal(got, want[path(i)]) {
					t.Errorf("%s: %d bytes, %v; want %d", path(i), len(got), err, len(want[path(i)]))
					return
				}
				if got := inode(t, path(i)); got != inodes[path(i)] {
					t.Errorf("%s: inode %d, and %d before", path(i), got, inodes[path(i)])
				}
			}
		})
	}
	for range 30 {
		if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("2"), 0); err != nil {
			t.Error(err)
		}
		time.Sleep(30 * time.Millisecond) // for the others to look up in
	}
	close(stop)
	wg.Wait()
}

// inode gives the number of a file's inode.
func inode(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Error(err)
		return 0
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

// TestThousandStreams: of a thousand streams each resolves, and their clips can be looked up and read, in bounded memory.
func TestThousandStreams(t *testing.T) {
	t.Parallel()
	const streams, each = 1000, 50 // one of so many is read
	e := harness.StartEmulator(t, "--quota", "off")
	from := time.Now().UTC().Add(-time.Hour).Truncate(time.Minute)
	var names []string
	for i := range streams {
		names = append(names, fmt.Sprintf("camera-%04d", i))
	}
	createStreams(t, e, 24, names...)
	var card bytes.Buffer // all have the same
	if err := producer.WriteTestCard(&card, from, from.Add(4*time.Second)); err != nil {
		t.Fatal(err)
	}
	eachStream(names, func(name string, _ int) {
		acks, err := producer.Put(t.Context(), e.Endpoint, name, bytes.NewReader(card.Bytes()), producer.Options{})
		if err != nil || len(producer.Numbers(acks)) != 2 {
			t.Errorf("%s: %d fragments persisted, want 2, %v", name, len(producer.Numbers(acks)), err)
		}
	})
	m := harness.StartMount(t, e)
	at := nameOf(from)
	eachStream(names, func(name string, i int) {
		path := m.Join(name, at, "4s.mp4")
		info, err := os.Stat(path)
		if err != nil {
			t.Error(err)
			return
		}
		if i%each > 0 {
			return
		}
		if content, err := os.ReadFile(path); err != nil || len(content) < 10_000 || int64(len(content)) > info.Size() {
			t.Errorf("%s: %d bytes where stat said %d at most, %v", path, len(content), info.Size(), err)
		}
	})
	now, most := resident(t, m)
	t.Logf("resident %d MiB, at most %d MiB", now>>20, most>>20)
	if most > 800<<20 { // under the race detector, which takes several times as much
		t.Errorf("the mount took %d MiB of memory", most>>20)
	}
}

// eachStream does something for each of many streams, for some of them at once.
func eachStream(names []string, do func(name string, i int)) {
	var wg sync.WaitGroup
	turns := make(chan struct{}, 16)
	for i, name := range names {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			do(name, i)
		})
	}
	wg.Wait()
}
