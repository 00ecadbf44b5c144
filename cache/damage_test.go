package cache_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
)

func TestMissingFileIsAMiss(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	put(t, c, "k", payload(1, 5000))
	if err := os.Remove(fileOf(t, dir, "k")); err != nil {
		t.Fatal(err)
	}
	put(t, c, "k", payload(2, 6000))
	if got, want := c.Stats().Bytes, int64(8192); got != want {
		t.Errorf("got %d bytes used, want %d", got, want)
	}
}

func TestFileOfAnotherSizeIsFilledAgain(t *testing.T) {
	for _, size := range []int64{0, 4999, 5001, cache.FileSize(5000) - 1, cache.FileSize(5000) + 1} {
		dir := t.TempDir()
		c := open(t, dir, cache.Options{})
		put(t, c, "k", payload(1, 5000))
		if err := os.Truncate(fileOf(t, dir, "k"), size); err != nil {
			t.Fatal(err)
		}
		put(t, c, "k", payload(2, 5000))
		if st := c.Stats(); st.Bytes != 8192 || len(dataFiles(t, dir)) != 1 {
			t.Errorf("%d: %d bytes, files %v; want 8192, one", size, st.Bytes, dataFiles(t, dir))
		}
	}
}

func TestFileRemovedWhileHeld(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	put(t, c, "k", payload(1, 5000))
	e := acquire(t, c, "k", noFill(t))
	if err := os.Remove(fileOf(t, dir, "k")); err != nil {
		t.Fatal(err)
	}
	other := acquire(t, c, "k", noFill(t))
	mustHave(t, other, payload(1, 5000))
	other.Release()
	mustHave(t, e, payload(1, 5000))
	if got := c.Stats().Bytes; got != 8192 {
		t.Errorf("held: %d bytes used, want 8192", got)
	}
	e.Release()
	if got := c.Stats().Bytes; got != 0 || c.Has("k") {
		t.Errorf("released: %d bytes used, has %t; want 0, false", got, c.Has("k"))
	}
}

func TestFileCutWhileHeld(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	put(t, c, "k", payload(1, 5000))
	e := acquire(t, c, "k", noFill(t))
	if err := os.Truncate(fileOf(t, dir, "k"), 100); err != nil {
		t.Fatal(err)
	}
	n, err := e.ReadAt(t.Context(), make([]byte, 200), 0)
	if n != 100 || !errors.Is(err, cache.ErrDamaged) {
		t.Errorf("got %d, %v; want 100, %v", n, err, cache.ErrDamaged)
	}
	again := acquire(t, c, "k", fillWith(payload(2, 5000), 999)) // beside the damaged one
	mustHave(t, again, payload(2, 5000))
	again.Release()
	e.Release()
	if st := c.Stats(); st.Bytes != 8192 || len(dataFiles(t, dir)) != 1 {
		t.Errorf("%d bytes, files %v; want 8192, one", st.Bytes, dataFiles(t, dir))
	}
}

func TestReadAfterRelease(t *testing.T) {
	c := open(t, t.TempDir(), cache.Options{})
	put(t, c, "k", payload(1, 10))
	e := acquire(t, c, "k", noFill(t))
	e.Release()
	_, err := e.ReadAt(t.Context(), make([]byte, 1), 0)
	check(t, "read", err, cache.ErrReleased)
}

func TestLastUseIsTheTimeOfTheFile(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	put(t, c, "k", payload(1, 10))
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(fileOf(t, dir, "k"), old, old); err != nil {
		t.Fatal(err)
	}
	acquire(t, c, "k", noFill(t)).Release()
	info, err := os.Stat(fileOf(t, dir, "k"))
	if err != nil || info.ModTime().Before(old.Add(time.Minute)) {
		t.Errorf("got %v, %v; want about now", info.ModTime(), err)
	}
}

func TestFileRemovedWhileGrowing(t *testing.T) { bothForms(t, testFileRemovedWhileGrowing) }

func testFileRemovedWhileGrowing(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{})
		s := newStepper()
		e := acquire(t, c, "k", s.fill)
		check(t, "append", s.append(payload(1, 5000)), nil)
		if err := os.Remove(fileOf(t, dir, "k")); err != nil {
			t.Fatal(err)
		}
		s.end(errDone)
		synctest.Wait()
		mustHave(t, e, payload(1, 5000)) // the holders have it all the same
		if !e.Complete() || c.Has("k") {
			t.Errorf("complete %t, has %t; want true, false", e.Complete(), c.Has("k"))
		}
		e.Release()
		if got := c.Stats().Bytes; got != 0 {
			t.Errorf("got %d bytes used, want 0", got)
		}
		put(t, c, "k", payload(2, 10))
	})
}

func TestDirectoryRemoved(t *testing.T) { bothForms(t, testDirectoryRemoved) }

func testDirectoryRemoved(t *testing.T) {
	for _, what := range []string{"data2", ""} {
		dir := filepath.Join(t.TempDir(), "cache")
		c := open(t, dir, cache.Options{})
		put(t, c, "k", payload(1, 10))
		if err := os.RemoveAll(filepath.Join(dir, what)); err != nil {
			t.Fatal(err)
		}
		put(t, c, "k", payload(1, 10))
		put(t, c, "l", payload(2, 10))
		if n := c.Stats().Memory; n != 0 {
			t.Errorf("%q removed: %d bytes are in memory", what, n)
		}
		if _, err := cache.Open(dir, cache.Options{}); !errors.Is(err, cache.ErrLocked) {
			t.Errorf("%q removed and made anew: got %v, want ErrLocked", what, err)
		}
	}
}

// TestDirectoryTakenOver: where another process has taken a removed directory's place, what is fetched is kept in memory.
func TestDirectoryTakenOver(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	c := open(t, dir, cache.Options{MemoryBytes: 1 << 20})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	other := open(t, dir, cache.Options{})
	if err := os.RemoveAll(filepath.Join(dir, "data2")); err != nil {
		t.Fatal(err)
	}
	e := acquire(t, c, "k", fillWith(payload(1, 10), 64<<10))
	waitForEnd(e)
	check(t, "fill", e.Err(), nil)
	if n := c.Stats().Memory; n == 0 {
		t.Error("nothing is in memory")
	}
	e.Release()
	put(t, other, "k", payload(2, 10))
}

func TestReleaseWhileReading(t *testing.T) { bothForms(t, testReleaseWhileReading) }

func testReleaseWhileReading(t *testing.T) {
	c := open(t, t.TempDir(), cache.Options{})
	want := payload(1, 100_000)
	put(t, c, "k", want)
	for range 50 {
		e := acquire(t, c, "k", noFill(t))
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				p := make([]byte, len(want))
				for {
					n, err := e.ReadAt(t.Context(), p, 0)
					if errors.Is(err, cache.ErrReleased) {
						return
					}
					if n != len(p) || err != nil || p[99_999] != want[99_999] {
						t.Errorf("got %d, %v; want all or %v", n, err, cache.ErrReleased)
						return
					}
				}
			})
		}
		e.Release()
		wg.Wait()
	}
}

// TestClearedBesideAMountIsNotCounted: what somebody else removes goes from the budget within a minute, without being
// touched. What is held counts until it is released.
func TestClearedBesideAMountIsNotCounted(t *testing.T) {
	bothForms(t, testClearedBesideAMountIsNotCounted)
}

func testClearedBesideAMountIsNotCounted(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{})
		for i := range 4 {
			put(t, c, keyOf(i), payload(i, 5000))
		}
		held := acquire(t, c, keyOf(0), noFill(t))
		keep := keyOf(3)
		removed, err := cache.Clear(dir, func(i cache.Info) bool { return i.Key != keep })
		if err != nil || len(removed) != 3 {
			t.Fatalf("cleared %d entries, %v; want 3", len(removed), err)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if st := c.Stats(); st.Whole != 2 || st.Bytes != 2*costOf(5000) {
			t.Errorf("%d entries, %d bytes; want the held one and the one that was kept", st.Whole, st.Bytes)
		}
		mustHave(t, held, payload(0, 5000))
		held.Release()
		if st := c.Stats(); st.Whole != 1 || st.Bytes != costOf(5000) {
			t.Errorf("%d entries, %d bytes; want the one that was kept", st.Whole, st.Bytes)
		}
		acquire(t, c, keep, noFill(t)).Release()
	})
}

// TestFileChangedBesideUs: bytes that were changed are not handed out to who acquires the entry after that, though they
// were good when they were written or checked, and even if somebody held it meanwhile.
func TestFileChangedBesideUs(t *testing.T) { bothForms(t, testFileChangedBesideUs) }

func testFileChangedBesideUs(t *testing.T) {
	for i := range 4 {
		restart, held := i&1 != 0, i&2 != 0
		dir := t.TempDir()
		c := open(t, dir, cache.Options{})
		good, again := payload(1, 200_000), payload(2, 200_000)
		put(t, c, "k", good)
		if restart {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			c = open(t, dir, cache.Options{})
		}
		e := acquire(t, c, "k", noFill(t))
		mustHave(t, e, good)
		if !held {
			e.Release()
		}
		f, err := os.OpenFile(fileOf(t, dir, "k"), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("not what was written"), 100_000); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		e.Release()
		e = acquire(t, c, "k", noFill(t))
		if got, err := readAll(t.Context(), e); !errors.Is(err, cache.ErrDamaged) || !bytes.Equal(got, good[:len(got)]) {
			t.Errorf("restart %t, held %t: got %d bytes, %v; want ErrDamaged before what was changed", restart, held, len(got), err)
		}
		e.Release()
		put(t, c, "k", again)
	}
}
