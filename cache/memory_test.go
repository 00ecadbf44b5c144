package cache_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"

	"golang.org/x/sys/unix"
)

func TestMemoryWhenAllIsHeld(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{MaxBytes: 2 * block, MemoryBytes: mib})
		put(t, c, "disk", payload(0, fit(2)))
		disk := acquire(t, c, "disk", noFill(t))
		want := payload(1, 500_000)
		s := newStepper()
		e := acquire(t, c, "k", s.fill)
		late := readLater(t.Context(), e, 100_000, 0)
		check(t, "append", s.append(want[:90_000]), nil)
		mustWait(t, "bytes missing", late)
		check(t, "append", s.append(want[90_000:]), nil)
		mustEnd(t, "bytes there", late, 100_000, nil)
		s.end(errDone)
		<-e.Done()
		other := acquire(t, c, "k", noFill(t))
		e.Release()
		mustHave(t, other, want)
		if st := c.Stats(); !other.Complete() || !c.Has("k") || st.Memory < 500_000 || st.Memory > 600_000 || st.Bytes != 2*block {
			t.Errorf("complete %t, has %t, %+v", other.Complete(), c.Has("k"), st)
		}
		over := acquire(t, c, "over", fillWith(payload(2, 600_000), 1000))
		<-over.Done()
		check(t, "past the bound", over.Err(), cache.ErrFull)
		over.Release()
		other.Release()
		if st := c.Stats(); c.Has("k") || st.Memory != 0 || st.Held != 1 {
			t.Errorf("released: has %t, %+v", c.Has("k"), st)
		}
		disk.Release()
		put(t, c, "k", payload(3, 100)) // on disk again
		if names := dataFiles(t, dir); len(names) != 1 || c.Stats().Memory != 0 {
			t.Errorf("files %v, %+v; want one entry on disk", names, c.Stats())
		}
	})
}

func TestEntryHalfInMemory(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{MaxBytes: 100 * block, MemoryBytes: mib})
	want := payload(1, 700_000)
	e := acquire(t, c, "k", fillWith(want, 12_345))
	var wg sync.WaitGroup
	for reader := range 4 {
		wg.Go(func() {
			for off := reader * 1000; off < len(want); off += 33_333 {
				p := make([]byte, min(50_000, len(want)-off))
				if n, err := e.ReadAt(t.Context(), p, int64(off)); n != len(p) || err != nil || !bytes.Equal(p, want[off:off+n]) {
					t.Errorf("read %d at %d: got %d, %v", len(p), off, n, err)
				}
			}
		})
	}
	wg.Wait()
	mustHave(t, e, want)
	st := c.Stats()
	if st.Bytes == 0 || st.Bytes > 100*block || st.Memory == 0 {
		t.Errorf("%+v; want some on disk, some in memory", st)
	}
	e.Release()
	if st := c.Stats(); st.Bytes != 0 || st.Memory != 0 || len(dataFiles(t, dir)) != 0 {
		t.Errorf("released: %+v, files %v", st, dataFiles(t, dir))
	}
}

func TestParkedFillsInMemoryGiveWay(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{MaxBytes: block, MemoryBytes: 256 << 10, Linger: time.Hour})
		put(t, c, "disk", payload(0, fit(1)))
		disk := acquire(t, c, "disk", noFill(t))
		s := newStepper()
		parked := acquire(t, c, "parked", s.fill)
		check(t, "append", s.append(make([]byte, 200_000)), nil)
		parked.Release()
		put(t, c, "k", payload(1, 200_000))
		<-parked.Done()
		check(t, "the parked fill", parked.Err(), cache.ErrAbandoned)
		disk.Release()
	})
}

func TestCachesBesideShareMemory(t *testing.T) {
	c := open(t, t.TempDir(), cache.Options{MaxBytes: block, MemoryBytes: 128 << 10})
	other := open(t, t.TempDir(), cache.Options{MaxBytes: block, Beside: c})
	a := acquire(t, c, "k", fillWith(payload(1, 100_000), 100_000))
	<-a.Done()
	check(t, "first", a.Err(), nil)
	b := acquire(t, other, "k", fillWith(payload(1, 100_000), 100_000))
	<-b.Done()
	check(t, "second", b.Err(), cache.ErrFull)
	b.Release()
	a.Release()
	put(t, other, "k", payload(1, 100_000))
}

// memDevice gives EIO to who reads or writes at its start (proc(5), /proc/pid/mem: nothing is mapped there).
const memDevice = "/proc/self/mem"

func TestFailingDisk(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := open(t, dir, cache.Options{MemoryBytes: mib, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		s := newStepper()
		e := acquire(t, c, "k", s.fill)
		check(t, "append", s.append(nil), nil)
		if err := cache.BreakFile(e, memDevice); err != nil {
			t.Fatal(err)
		}
		check(t, "append to a failing disk", s.append(payload(1, 1000)), nil)
		s.end(errDone)
		<-e.Done()
		mustHave(t, e, payload(1, 1000))
		for i := range 5 { // for a while the disk is left alone
			put(t, c, keyOf(i), payload(i, 1000))
		}
		if names := dataFiles(t, dir); len(names) != 0 {
			t.Errorf("got files %v, want none", names)
		}
		if got := strings.Count(log.String(), "takes no more"); got != 1 {
			t.Errorf("logged %d times, want once:\n%s", got, log.String())
		}
		e.Release()
		time.Sleep(2 * time.Minute)
		put(t, c, "again", payload(1, 1000))
		if names := dataFiles(t, dir); len(names) != 1 {
			t.Errorf("got files %v, want one", names)
		}
	})
}

func TestReadErrorDropsTheEntry(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{MemoryBytes: mib})
		put(t, c, "whole", payload(1, 1000))
		e := acquire(t, c, "whole", noFill(t))
		s := newStepper()
		growing := acquire(t, c, "growing", s.fill)
		check(t, "append", s.append(payload(2, 1000)), nil)
		for _, e := range []*cache.Entry{e, growing} {
			if err := cache.BreakFile(e, memDevice); err != nil {
				t.Fatal(err)
			}
			_, err := e.ReadAt(t.Context(), make([]byte, 10), 0)
			check(t, "read", err, cache.ErrDamaged)
			check(t, "read", err, unix.EIO)
			e.Release()
		}
		<-growing.Done()
		check(t, "the fill of what cannot be read", growing.Err(), cache.ErrDamaged)
		for i, key := range []cache.Key{"whole", "growing"} {
			again := acquire(t, c, key, fillWith(payload(i, 1000), 1000))
			mustHave(t, again, payload(i, 1000))
			again.Release()
		}
	})
}

func TestFullDiskGoesOnInMemory(t *testing.T) {
	dir := smallDisk(t, "256k")
	c := open(t, dir, cache.Options{MaxBytes: 1 << 30, MemoryBytes: 2 * mib})
	want := payload(1, mib)
	e := acquire(t, c, "k", fillWith(want, 64<<10))
	mustHave(t, e, want)
	e.Release()
	put(t, c, "small", payload(2, 100<<10))
	if !c.Has("small") || c.Has("k") {
		t.Errorf("has %t, %t; want the small one kept and the large one gone", c.Has("small"), c.Has("k"))
	}
}

// TestMinFreeHoldsAtEveryMoment has many goroutines fill at once on a small file system and looks at its free space all
// the while.
func TestMinFreeHoldsAtEveryMoment(t *testing.T) {
	const minFree = 300 << 10
	dir := smallDisk(t, "1m")
	c := open(t, dir, cache.Options{MinFree: minFree, MemoryBytes: mib, Linger: time.Millisecond})
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			rng := newRand(worker)
			for range 200 {
				useAtRandom(t, c, rng)
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	least, looks := int64(1<<62), 0
	for running := true; running; looks++ {
		select {
		case <-done:
			running = false
		default:
		}
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err != nil {
			t.Fatal(err)
		}
		least = min(least, int64(st.Bavail)*st.Frsize)
	}
	// The files beside the entries take a few blocks of their own.
	if least < minFree {
		t.Errorf("%d bytes were left free in %d looks, want %d at least", least, looks, minFree)
	}
	t.Logf("least %d of %d in %d looks, %+v", least, minFree, looks, c.Stats())
}

func TestMinFreeEvicts(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		const total = 100 * block
		var taken atomic.Int64 // by others
		o := cache.WithStatfs(cache.Options{MinFreePercent: 20, MemoryBytes: mib}, func(string) (free, all int64, err error) {
			return total - taken.Load() - diskBytes(t, dir), total, nil
		})
		c := open(t, dir, o)
		synctest.Wait()
		for i := range 8 {
			put(t, c, keyOf(i), payload(i, fit(10)))
		}
		if got := diskBytes(t, dir); got != 80*block {
			t.Errorf("%d bytes on disk, want %d", got, 80*block)
		}
		put(t, c, "new", payload(9, fit(10)))
		if c.Has("k0") || !c.Has("k1") || !c.Has("new") {
			t.Error("want the least recently used evicted, and no other")
		}
		taken.Store(35 * block) // then the minute passes
		time.Sleep(2 * time.Minute)
		if got := diskBytes(t, dir); got != 40*block {
			t.Errorf("%d bytes on disk after others took space, want %d", got, 40*block)
		}
		var held []*cache.Entry
		for _, name := range []cache.Key{"k5", "k6", "k7", "new"} {
			held = append(held, acquire(t, c, name, noFill(t)))
		}
		e := acquire(t, c, "more", fillWith(payload(1, fit(10)), block))
		mustHave(t, e, payload(1, fit(10)))
		if st := c.Stats(); st.Memory == 0 || diskBytes(t, dir) > 45*block {
			t.Errorf("%d bytes on disk, %+v; want the rest in memory", diskBytes(t, dir), st)
		}
		for _, e := range append(held, e) {
			e.Release()
		}
		put(t, c, "later", payload(2, fit(10)))
		if !c.Has("later") {
			t.Error("not kept although there is space to make")
		}
	})
}

func TestStatfsThatFailsBoundsNothing(t *testing.T) {
	o := cache.WithStatfs(cache.Options{MinFree: 1 << 40}, func(string) (int64, int64, error) { return 0, 0, errors.New("no") })
	c := open(t, t.TempDir(), o)
	put(t, c, "k", payload(1, 1000))
	if !c.Has("k") {
		t.Error("not kept")
	}
}
