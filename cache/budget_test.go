package cache_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"

	"golang.org/x/sys/unix"
)

// block is what the smallest entry takes of the budget.
const block = 4096

// fit gives the size of the largest entry that takes n blocks.
func fit(n int) int {
	size := int64(n * block)
	for cache.FileSize(size) > int64(n*block) {
		size--
	}
	return int(size)
}

func TestLeastRecentlyUsedGoesFirst(t *testing.T) {
	c := open(t, t.TempDir(), cache.Options{MaxBytes: 4 * block})
	for i := range 4 {
		put(t, c, keyOf(i), payload(i, fit(1)))
	}
	acquire(t, c, "k0", noFill(t)).Release()
	put(t, c, "big", payload(9, fit(2)))
	want := map[cache.Key]bool{"k0": true, "k1": false, "k2": false, "k3": true, "big": true}
	for key, want := range want {
		if got := c.Has(key); got != want {
			t.Errorf("%s: got %t, want %t", key, got, want)
		}
	}
	if st := c.Stats(); st.Evictions != 2 || st.Bytes != 4*block {
		t.Errorf("got %d evictions, %d bytes; want 2, %d", st.Evictions, st.Bytes, 4*block)
	}
}

func TestHeldEntriesAreNotEvicted(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{MaxBytes: 3 * block})
	for i := range 3 {
		put(t, c, keyOf(i), payload(i, fit(1)))
	}
	held := []*cache.Entry{acquire(t, c, "k0", noFill(t)), acquire(t, c, "k1", noFill(t)), acquire(t, c, "k0", noFill(t))}
	put(t, c, "k3", payload(3, fit(1))) // k2 goes
	held = append(held, acquire(t, c, "k3", noFill(t)))

	e := acquire(t, c, "k4", fillWith(payload(4, fit(1)), block))
	waitForEnd(e)
	check(t, "all held", e.Err(), cache.ErrFull)
	e.Release()
	held[0].Release() // k0 is still held once
	e = acquire(t, c, "k4", fillWith(payload(4, fit(1)), block))
	waitForEnd(e)
	check(t, "all still held", e.Err(), cache.ErrFull)
	e.Release()
	mustHave(t, held[1], payload(1, fit(1)))
	mustHave(t, held[2], payload(0, fit(1)))
	held[2].Release()
	put(t, c, "k4", payload(4, fit(1))) // k0 goes
	for key, want := range map[cache.Key]bool{"k0": false, "k1": true, "k2": false, "k3": true, "k4": true} {
		if got := c.Has(key); got != want {
			t.Errorf("%s: got %t, want %t", key, got, want)
		}
	}
	held[1].Release()
	held[3].Release()
}

func TestEntryLargerThanTheBudget(t *testing.T) {
	c := open(t, t.TempDir(), cache.Options{MaxBytes: 3 * block})
	put(t, c, "k", payload(1, fit(3)))
	e := acquire(t, c, "big", fillWith(payload(2, fit(3)+1), 3*block))
	waitForEnd(e)
	check(t, "too big", e.Err(), cache.ErrFull)
	e.Release()
	if !c.Has("k") {
		t.Error("another entry went for one that can never fit")
	}
}

func TestGrowingEntriesCount(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{MaxBytes: 4 * block})
		a, b := newStepper(), newStepper()
		ea, eb := acquire(t, c, "a", a.fill), acquire(t, c, "b", b.fill)
		check(t, "a", a.append(payload(1, fit(3))), nil)
		check(t, "b", b.append(payload(2, fit(1))), nil)
		check(t, "b", b.append([]byte("x")), cache.ErrFull)
		check(t, "a", a.append([]byte("x")), cache.ErrFull)
		a.end(errFill)
		synctest.Wait()
		check(t, "a failed but held", b.append([]byte("x")), cache.ErrFull)
		mustEnd(t, "what a had", readLater(t.Context(), ea, fit(3), 0), fit(3), nil)
		ea.Release()
		check(t, "a released", b.append([]byte("x")), nil)
		if got := c.Stats().Bytes; got != 2*block {
			t.Errorf("got %d bytes, want %d", got, 2*block)
		}
		b.end(errDone)
		mustHave(t, eb, append(payload(2, fit(1)), 'x'))
		eb.Release()
	})
}

func TestParkedFillsGiveWay(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{MaxBytes: 4 * block, Linger: time.Hour})
		put(t, c, "idle", payload(0, fit(1)))
		var parked []*stepper
		for i := range 3 {
			s := newStepper()
			e := acquire(t, c, keyOf(i), s.fill)
			check(t, "append", s.append(payload(i, fit(1))), nil)
			e.Release()
			time.Sleep(time.Second)
			parked = append(parked, s)
		}
		e := acquire(t, c, "new", fillWith(payload(9, fit(2)), block))
		mustHave(t, e, payload(9, fit(2)))
		if c.Has("idle") { // what is whole goes first, it can be had again no less
			t.Error("idle entry is still there")
		}
		st := c.Stats()
		if st.Growing != 2 || st.Bytes != 4*block {
			t.Errorf("got %d growing, %d bytes; want 2, %d", st.Growing, st.Bytes, 4*block)
		}
		again := acquire(t, c, "k1", noFill(t)) // parked later than k0: still there
		check(t, "append", parked[1].append(nil), nil)
		parked[1].end(errDone)
		mustHave(t, again, payload(1, fit(1)))
		again.Release()
		e.Release()
	})
}

// smallDisk gives a directory on a file system of its own.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		if os.Getenv("CLIPFS_REQUIRE_ALL") == "1" {
			t.Fatalf("mount of a small tmpfs: %v", err)
		}
		t.Skipf("mount of a small tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, "256k")
	c := open(t, dir, cache.Options{MaxBytes: 1 << 30})
	e := acquire(t, c, "k", fillWith(payload(1, 1<<20), 64<<10))
	waitForEnd(e)
	check(t, "fill", e.Err(), cache.ErrFull)
	check(t, "fill", e.Err(), unix.ENOSPC)
	if n, err := e.ReadAt(t.Context(), make([]byte, 64<<10), 0); n != 64<<10 || err != nil {
		t.Errorf("what fitted: got %d, %v", n, err)
	}
	e.Release()
	put(t, c, "small", payload(2, 100<<10))
}

func TestFileThatCannotBeRemovedStaysCounted(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{MaxBytes: 2 * block})
	put(t, c, "k0", payload(0, fit(1)))
	path := fileOf(t, dir, "k0")
	if err := errors.Join(os.Remove(path), os.MkdirAll(filepath.Join(path, "x"), 0o700)); err != nil {
		t.Fatal(err)
	}
	e := acquire(t, c, "k1", fillWith(payload(1, fit(2)), block))
	waitForEnd(e)
	check(t, "fill", e.Err(), cache.ErrFull)
	e.Release()
	put(t, c, "k1", payload(1, fit(1)))
	if got := c.Stats().Bytes; got != 2*block || c.Has("k0") {
		t.Errorf("got %d bytes, has %t; want %d, false", got, c.Has("k0"), 2*block)
	}
}

func TestCloseWithRunningFills(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{MaxBytes: 8 * block})
	put(t, c, "whole", payload(1, 100))
	whole := acquire(t, c, "whole", noFill(t))
	var held []*cache.Entry
	causes := make(chan error, 8)
	for i := range 8 {
		started := make(chan struct{})
		e := acquire(t, c, keyOf(i), func(ctx context.Context, w *cache.Writer) error {
			err := w.Append([]byte("head"))
			close(started)
			if i%2 == 0 {
				<-ctx.Done()
			} else { // parked, or full, or stopped
				for err == nil {
					err = w.Append(bytes.Repeat([]byte{1}, 100))
				}
			}
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return context.Cause(ctx)
		})
		<-started
		if i < 4 {
			held = append(held, e)
		} else {
			e.Release()
		}
	}
	late := readLater(t.Context(), held[0], 10, 100)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	for range 8 {
		if err := <-causes; !errors.Is(err, cache.ErrClosed) && !errors.Is(err, cache.ErrAbandoned) {
			t.Errorf("got cause %v, want closed or abandoned", err)
		}
	}
	got := <-late
	check(t, "waiting read", got.err, cache.ErrClosed)
	_, err := c.Acquire("whole", cache.Request{Fill: noFill(t)})
	check(t, "acquire", err, cache.ErrClosed)
	mustHave(t, whole, payload(1, 100)) // held: still to be read
	if n, err := held[0].ReadAt(t.Context(), make([]byte, 4), 0); n != 4 || err != nil {
		t.Errorf("held: got %d, %v; want 4, nil", n, err)
	}
	whole.Release()
	for _, e := range held {
		e.Release()
	}
	if names := dataFiles(t, dir); len(names) != 1 {
		t.Errorf("got files %v, want the whole one", names)
	}
	if got := c.Stats().Bytes; got != block {
		t.Errorf("got %d bytes, want %d", got, block)
	}
}
