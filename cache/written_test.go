package cache_test

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"

	"golang.org/x/sys/unix"
)

// warnings gives a logger, and what it has warned of, a line each.
func warnings() (*slog.Logger, func() []string) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return logger, func() []string { return strings.FieldsFunc(log.String(), func(r rune) bool { return r == '\n' }) }
}

// TestDiskIsToldOnceInAWhile: writing tells the disk nothing. Half a minute later it is told of each pair, one at a time.
func TestDiskIsToldOnceInAWhile(t *testing.T) {
	for _, options := range []cache.Options{{}, {NoProof: true}} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			var told, atOnce atomic.Int64
			options := cache.WithSync(options, func(*os.File) error {
				told.Add(1)
				if atOnce.Add(1) > 1 {
					t.Error("the disk is told of two at once")
				}
				time.Sleep(time.Second)
				atOnce.Add(-1)
				return nil
			})
			c := open(t, dir, options)
			for i := range 5 {
				putPair(t, c, keyOf(i), payload(i, 300_000))
			}
			put(t, c, "single", payload(9, 5000))
			time.Sleep(29 * time.Second)
			synctest.Wait()
			if n := told.Load(); n != 0 {
				t.Errorf("told %d times in 29 s", n)
			}
			settleProofs()
			if n := told.Load(); n != 5 {
				t.Errorf("told %d times of 5 pairs", n)
			}
			c = reopen(t, c, dir, options)
			for i := range 5 {
				if !backed(t, c, keyOf(i), payload(i, 300_000)) {
					t.Errorf("%s is not proven after a restart", keyOf(i))
				}
			}
			settleProofs()
			if n := told.Load(); n != 5 {
				t.Errorf("told %d times of 5 pairs that were proven", n)
			}
		})
	}
}

// TestProvenAtTheEnd: a cache that ends tells the disk of what is not proven yet, one after the other, and for no longer than a second. What the disk has
// taken by then need not be checked by the next.
func TestProvenAtTheEnd(t *testing.T) {
	for _, test := range []struct {
		name   string
		takes  time.Duration
		proven int
	}{{"a fast disk", 10 * time.Millisecond, 5}, {"a slow one", 400 * time.Millisecond, 2}} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			c := open(t, dir, cache.WithSync(cache.Options{}, func(*os.File) error {
				time.Sleep(test.takes)
				return nil
			}))
			for i := range 5 {
				putPair(t, c, keyOf(i), payload(i, 300_000))
			}
			began := time.Now()
			c = reopen(t, c, dir, cache.Options{NoProof: true})
			if took := time.Since(began); took > time.Second {
				t.Errorf("%s: it took %s to end", test.name, took)
			}
			for i := range 5 {
				if got := backed(t, c, keyOf(i), payload(i, 300_000)); got != (i < test.proven) {
					t.Errorf("%s: %s is proven: %t", test.name, keyOf(i), got)
				}
			}
			time.Sleep(test.takes) // until the disk has answered
			synctest.Wait()
		})
	}
}

// TestLostAtTheEnd: what the disk does not take when a cache ends is not there for the next.
func TestLostAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		logger, warned := warnings()
		c := open(t, dir, cache.WithSync(cache.Options{Logger: logger}, func(*os.File) error { return unix.ENOSPC }))
		putPair(t, c, "k", payload(1, 300_000))
		c = reopen(t, c, dir, cache.Options{})
		if c.Has("k") || len(dataFiles(t, dir)) != 0 {
			t.Errorf("it is there: %t, %d files", c.Has("k"), len(dataFiles(t, dir)))
		}
		if all := warned(); len(all) != 1 || !strings.Contains(all[0], "never on the disk") {
			t.Errorf("warned of %q", all)
		}
	})
}

// TestNotProvenAtTheEnd: what the disk does not take when a cache ends is checked by the next.
func TestNotProvenAtTheEnd(t *testing.T) {
	for _, test := range []struct {
		name  string
		after time.Duration
	}{{"the disk hangs at the end", time.Second}, {"the disk hangs", time.Minute}} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			hangs := make(chan struct{})
			c := open(t, dir, cache.WithSync(cache.Options{}, func(*os.File) error {
				<-hangs
				return nil
			}))
			want := payload(1, 300_000)
			putPair(t, c, "k", want)
			time.Sleep(test.after)
			c = reopen(t, c, dir, cache.Options{NoProof: true})
			if backed(t, c, "k", want) {
				t.Errorf("%s: trusted although the disk perhaps does not have it", test.name)
			}
			close(hangs)
		})
	}
}

// TestLostByTheDisk: what the disk did not take goes, with one line in the log; whoever has it open can read it to its end.
func TestLostByTheDisk(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		logger, warned := warnings()
		var lost unix.Stat_t
		c := open(t, dir, cache.WithSync(cache.Options{Logger: logger}, func(f *os.File) error {
			var now unix.Stat_t
			if err := unix.Fstat(int(f.Fd()), &now); err != nil || now.Ino != lost.Ino {
				return err
			}
			return unix.ENOSPC
		}))
		putPair(t, c, "kept", payload(1, 300_000))
		putPair(t, c, "lost", payload(2, 300_000))
		if err := unix.Stat(fileOf(t, dir, "lost"), &lost); err != nil {
			t.Fatal(err)
		}
		e := acquirePair(t, c, "lost", noFill(t))
		settleProofs()
		if c.Has("lost") || !c.Has("kept") {
			t.Errorf("lost is there: %t, kept: %t", c.Has("lost"), c.Has("kept"))
		}
		mustHave(t, e, payload(2, 300_000))
		e.Release()
		if all := warned(); len(all) != 1 || !strings.Contains(all[0], "never on the disk") {
			t.Errorf("warned of %q", all)
		}
		if n := len(allFiles(t, dir)); n != 2 || c.Stats().Bytes != 75*block {
			t.Errorf("%d files, %+v; want those of one pair", n, c.Stats())
		}
	})
}

// TestDiskThatTakesNothing is of a real one: a file system on a file that cannot have all that it says it has, as on a thin pool that is full. Its
// writes fail after they were made.
func TestDiskThatTakesNothing(t *testing.T) {
	skip := func(why string, err error) {
		t.Helper()
		if os.Getenv("CLIPFS_REQUIRE_ALL") == "1" {
			t.Fatalf("%s: %v", why, err)
		}
		t.Skipf("%s: %v", why, err)
	}
	image := filepath.Join(smallDisk(t, "8m"), "image")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 64<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", "-J", "size=4", image).CombinedOutput(); err != nil {
		skip("make a file system: "+string(out), err)
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-o", "loop,errors=continue", image, dir).CombinedOutput(); err != nil {
		skip("mount a file: "+string(out), err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil { // mount(8) has the loop device go with it
			t.Error(err)
		}
	})
	var c *cache.Cache
	logger, warned := warnings()
	synctest.Test(t, func(t *testing.T) {
		c = open(t, filepath.Join(dir, "cache"), cache.Options{Logger: logger})
		const size = 20 << 20
		putPair(t, c, "k", payload(1, size))
		if !backed(t, c, "k", payload(1, size)) {
			t.Fatal("not there after it was written")
		}
		settleProofs()
		if c.Has("k") {
			t.Error("it is there although the disk did not take it")
		}
	})
	if all := warned(); len(all) == 0 || !strings.Contains(strings.Join(all, "\n"), "never on the disk") {
		t.Errorf("warned of %q", all)
	}
}
