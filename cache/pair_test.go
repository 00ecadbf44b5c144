package cache_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"

	"golang.org/x/sys/unix"
)

// putPair fills a pair.
func putPair(t testing.TB, c *cache.Cache, key cache.Key, p []byte) {
	t.Helper()
	e := acquirePair(t, c, key, fillWith(p, 64<<10))
	defer e.Release()
	mustHave(t, e, p)
	<-e.Done()
}

// acquirePair acquires an entry as a pair.
func acquirePair(t testing.TB, c *cache.Cache, key cache.Key, fill cache.Fill) *cache.Entry {
	t.Helper()
	e, err := c.Acquire(key, cache.Request{Fill: fill, Apart: true})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// backed reports whether the kernel may have the file of an entry, which then has just its bytes.
func backed(t testing.TB, c *cache.Cache, key cache.Key, want []byte) bool {
	t.Helper()
	e := acquirePair(t, c, key, noFill(t))
	defer e.Release()
	f, ok := e.Backing()
	if !ok {
		return false
	}
	got := make([]byte, len(want)+1)
	if n, err := f.ReadAt(got, 0); n != len(want) || !errors.Is(err, io.EOF) || !bytes.Equal(got[:n], want) {
		t.Errorf("%s: %d bytes of %d, %v", key, n, len(want), err)
	}
	return true
}

// TestBackingOfWhatIsWhole: only of a pair that is whole and on disk is the file given.
func TestBackingOfWhatIsWhole(t *testing.T) {
	c := open(t, t.TempDir(), cache.Options{MaxBytes: 100 * block, MemoryBytes: mib})
	want := payload(1, 200_000)
	s := newStepper()
	e := acquirePair(t, c, "k", s.fill)
	check(t, "append", s.append(want), nil)
	if _, ok := e.Backing(); ok {
		t.Error("of an entry that grows")
	}
	s.end(errDone)
	<-e.Done()
	if _, ok := e.Backing(); !ok {
		t.Error("none of a whole pair")
	}
	e.Release()
	if _, ok := e.Backing(); ok {
		t.Error("after it was released")
	}
	if !backed(t, c, "k", want) {
		t.Error("none of a pair that was closed in between")
	}
	c.Drop("k")
	put(t, c, "single", want)
	single := acquire(t, c, "single", noFill(t))
	if _, ok := single.Backing(); ok {
		t.Error("of a file with a footer")
	}
	single.Release()
	large := acquirePair(t, c, "large", fillWith(payload(2, 700_000), 10_000))
	<-large.Done()
	check(t, "fill", large.Err(), nil)
	if _, ok := large.Backing(); ok {
		t.Error("of an entry that is partly in memory")
	}
	large.Release()
}

// settleProofs waits until what was written is proven.
func settleProofs() {
	time.Sleep(time.Minute)
	synctest.Wait()
}

// TestProofOutlivesARestart: what was filled or checked by one process is trusted by the next, as long as nobody has changed
// it, and costs no read.
func TestProofOutlivesARestart(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{})
		want := payload(1, 2*mib) // more than is checked at a time, so that it is not proven before it is asked for
		putPair(t, c, "k", want)
		settleProofs()
		for range 3 {
			c = reopen(t, c, dir, cache.Options{})
			if !backed(t, c, "k", want) {
				t.Fatal("not proven after a restart")
			}
		}
		// A new name, a new mode: bytes that are perhaps others. They are read, and then trusted again.
		if err := os.Chmod(fileOf(t, dir, "k"), 0o400); err != nil {
			t.Fatal(err)
		}
		if backed(t, c, "k", want) {
			t.Error("trusted although the file was touched")
		}
		waitUntil(t, "it is proven", func() bool { return backed(t, c, "k", want) })
		settleProofs()
		c = reopen(t, c, dir, cache.Options{})
		if !backed(t, c, "k", want) {
			t.Error("what was proven in the background is not trusted after a restart")
		}
	})
}

// TestProofOfAnotherStart: a proof of another start of the machine, or one that is damaged, proves nothing.
func TestProofOfAnotherStart(t *testing.T) {
	for name, at := range map[string]int64{"boot": -64, "inode": -48, "time": -40, "sum": -21} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			want := payload(1, 300_000)
			c := open(t, dir, cache.Options{})
			putPair(t, c, "k", want)
			settleProofs()
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			path, _ := footerFile(t, dir, "k", 300_000)
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			flip(t, path, info.Size()+at)
			used := time.Now().Add(-time.Hour)
			if err := os.Chtimes(path, used, used); err != nil {
				t.Fatal(err)
			}
			c = open(t, dir, cache.Options{})
			waitUntil(t, name+": it is proven again", func() bool { return backed(t, c, "k", want) })
			if after, err := os.Stat(path); err != nil || !after.ModTime().After(used) {
				t.Errorf("%s: last use %v, %v", name, after.ModTime(), err)
			}
		})
	}
}

// TestNothingIsProven: with NoProof entries of an earlier start of the machine are not read until somebody does, and are checked then.
func TestNothingIsProven(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{})
		want := payload(1, 300_000)
		putPair(t, c, "k", want)
		settleProofs()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		path, _ := footerFile(t, dir, "k", int64(len(want)))
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		flip(t, path, info.Size()-64) // as of another boot
		c = open(t, dir, cache.Options{NoProof: true})
		for range 2 {
			if backed(t, c, "k", want) {
				t.Error("it is proven")
			}
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		e := acquire(t, c, "k", noFill(t))
		defer e.Release()
		got := make([]byte, len(want))
		if _, err := e.ReadAt(t.Context(), got, 0); err != nil || !bytes.Equal(got, want) {
			t.Errorf("error %v, or other bytes", err)
		}
	})
}

// TestProvenInTheBackground: entries of an earlier start of the machine are checked without use, one after the other, and
// what is damaged goes.
func TestProvenInTheBackground(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{})
		const size = 5 << 20
		for i := range 4 {
			putPair(t, c, keyOf(i), payload(i, size))
		}
		settleProofs()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		used := time.Now().Add(-time.Hour)
		for i := range 4 {
			path, _ := footerFile(t, dir, keyOf(i), size)
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			flip(t, path, info.Size()-64) // as of another boot
			if err := os.Chtimes(path, used, used); err != nil {
				t.Fatal(err)
			}
		}
		flip(t, fileOf(t, dir, keyOf(2)), 4<<20)
		c = open(t, dir, cache.Options{})
		time.Sleep(time.Second) // 20 MB a second
		synctest.Wait()
		if n := len(dataFiles(t, dir)); n != 3 && n != 4 {
			t.Errorf("%d entries after a second", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if c.Has(keyOf(2)) {
			t.Error("a damaged entry is still there")
		}
		for i := range 4 {
			if i == 2 {
				continue
			}
			path, _ := footerFile(t, dir, keyOf(i), size)
			if info, err := os.Stat(path); err != nil || !info.ModTime().Equal(used) {
				t.Errorf("%s: proving it counts as use", keyOf(i))
			}
			if !backed(t, c, keyOf(i), payload(i, size)) {
				t.Errorf("%s is not proven", keyOf(i))
			}
		}
		wantPairs(t, dir)
	})
}

// TestMappedSpaceIsCounted: the space of an entry that was removed counts as long as somebody has its file mapped, and nobody
// waits for it.
func TestMappedSpaceIsCounted(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{MaxBytes: 20 * block, MemoryBytes: mib})
	const size = 10 * block
	putPair(t, c, "k", payload(1, size))
	e := acquirePair(t, c, "k", noFill(t))
	if _, ok := e.Backing(); !ok {
		t.Fatal("none of a whole pair")
	}
	other, err := os.Open(fileOf(t, dir, "k")) // as the kernel does
	if err != nil {
		t.Fatal(err)
	}
	mapped, err := unix.Mmap(int(other.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	e.Release()
	// It has to go for the next one, which gets no space for all that.
	next := acquirePair(t, c, "next", fillWith(payload(2, 12*block), block))
	<-next.Done()
	check(t, "fill", next.Err(), nil)
	if st := c.Stats(); c.Has("k") || st.Memory == 0 || st.Bytes < 11*block || st.Bytes > 20*block {
		t.Errorf("has it %t, %+v; want it gone and counted, and the next one in memory", c.Has("k"), st)
	}
	next.Release()
	if !bytes.Equal(mapped, payload(1, size)) {
		t.Error("the mapping has changed")
	}
	if err := unix.Munmap(mapped); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "its space is given back", func() bool { return c.Stats().Bytes == 0 })
	putPair(t, c, "next", payload(2, 12*block))
	wantPairs(t, dir)
}

// TestHalvesAreRemoved: a kill between the steps that keep or remove a pair leaves nothing behind.
func TestHalvesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	putPair(t, c, "good", payload(1, 5000))
	putPair(t, c, "data", payload(2, 5000))
	putPair(t, c, "checks", payload(3, 5000))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	checks, _ := footerFile(t, dir, "data", 5000)
	if err := errors.Join(os.Remove(checks), os.Remove(fileOf(t, dir, "checks"))); err != nil {
		t.Fatal(err)
	}
	if infos, err := cache.Inspect(dir); err != nil || len(infos) != 3 {
		t.Errorf("%+v, %v; want the good one and two halves", infos, err)
	}
	c = open(t, dir, cache.Options{})
	cache.Settle(c)
	if names := allFiles(t, dir); len(names) != 2 || c.Stats().Bytes != 3*block || !c.Has("good") {
		t.Errorf("files %v, %+v; want one pair", names, c.Stats())
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(fileOf(t, dir, "good")); err != nil {
		t.Fatal(err)
	}
	if _, err := cache.Clear(dir, func(cache.Info) bool { return true }); err != nil || len(allFiles(t, dir)) != 0 {
		t.Errorf("cleared: %v, files %v", err, allFiles(t, dir))
	}
}

// TestHalfRemovedBesideUs: a half of a pair that another program removes is noticed at the latest when it is released.
func TestHalfRemovedBesideUs(t *testing.T) {
	for _, suffix := range []string{".data", ".checks"} {
		dir := t.TempDir()
		c := open(t, dir, cache.Options{})
		want := payload(1, 5000)
		putPair(t, c, "k", want)
		e := acquirePair(t, c, "k", noFill(t))
		if err := os.Remove(strings.TrimSuffix(fileOf(t, dir, "k"), ".data") + suffix); err != nil {
			t.Fatal(err)
		}
		mustHave(t, e, want)
		e.Release()
		if names := allFiles(t, dir); c.Has("k") || len(names) != 0 || c.Stats().Bytes != 0 {
			t.Errorf("%s removed: has it %t, files %v, %+v", suffix, c.Has("k"), names, c.Stats())
		}
		putPair(t, c, "k", want)
	}
}

// TestOldFormatIsDropped: the entries of the format before go, and what is not ours there stays.
func TestOldFormatIsDropped(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "data")
	if err := os.Mkdir(old, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"k.5.100", "l.7.part", "README"} {
		if err := os.WriteFile(filepath.Join(old, name), []byte("hello"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, dir, cache.Options{})
	cache.Settle(c)
	if left, err := os.ReadDir(old); err != nil || len(left) != 1 || left[0].Name() != "README" {
		t.Errorf("left %v, %v; want what is not ours", left, err)
	}
	if err := os.Remove(filepath.Join(old, "README")); err != nil {
		t.Fatal(err)
	}
	c = reopen(t, c, dir, cache.Options{})
	cache.Settle(c)
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v; want the directory gone", err)
	}
}

// waitUntil waits for something that happens in the background.
func waitUntil(t testing.TB, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("waited a minute until %s", what)
		}
	}
}

// TestClearedBeforeItIsProven: an entry that another program removed is not told to be damaged.
func TestClearedBeforeItIsProven(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{})
		const size = 5 << 20
		for i := range 3 {
			putPair(t, c, keyOf(i), payload(i, size))
		}
		settleProofs()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			path, _ := footerFile(t, dir, keyOf(i), size)
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			flip(t, path, info.Size()-64) // as of another boot
		}
		var log bytes.Buffer
		c = open(t, dir, cache.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
		cache.Settle(c)
		if removed, err := cache.Clear(dir, func(cache.Info) bool { return true }); err != nil || len(removed) != 3 {
			t.Fatalf("%d removed, %v", len(removed), err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if s := c.Stats(); s.Whole != 0 || s.Bytes != 0 {
			t.Errorf("%d entries of %d bytes are left", s.Whole, s.Bytes)
		}
		if log.Len() > 0 {
			t.Errorf("told:\n%s", log.String())
		}
	})
}
