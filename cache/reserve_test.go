package cache_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
	"clipfs/cache/disk"
)

const mib = 1 << 20

// acquireFor acquires an entry of about so many bytes.
func acquireFor(t testing.TB, c *cache.Cache, key cache.Key, expect int64, fill cache.Fill) *cache.Entry {
	t.Helper()
	e, err := c.Acquire(key, cache.Request{Fill: fill, Expect: expect, Apart: apart})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// wantClaimed compares what is claimed.
func wantClaimed(t *testing.T, what string, c *cache.Cache, want int64) {
	t.Helper()
	if got := c.Stats().Claimed; got != want {
		t.Errorf("%s: %d bytes claimed, want %d", what, got, want)
	}
}

// costOf gives what an entry of n bytes costs.
func costOf(n int64) int64 {
	if apart {
		return disk.Pair.Cost(n)
	}
	return disk.Single.Cost(n)
}

func TestLaterFillsKeepOffClaims(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{MaxBytes: 8 * mib})
		first, later := newStepper(), newStepper()
		a := acquireFor(t, c, "first", 5*mib, first.fill)
		b := acquireFor(t, c, "later", 5*mib, later.fill)
		wantClaimed(t, "two fills", c, 8*mib)
		appended := 0
		for later.append(make([]byte, mib/4)) == nil {
			appended += mib / 4
		}
		if appended < 2*mib || appended > 3*mib {
			t.Errorf("the later fill got %d bytes, want what the first one does not claim: about 3 MiB", appended)
		}
		for range 20 {
			check(t, "append of the first", first.append(make([]byte, mib/4)), nil)
		}
		first.end(errDone)
		<-a.Done()
		a.Release()
		later.end(errFill)
		<-b.Done()
		b.Release()
		wantClaimed(t, "all ended", c, 0)
	})
}

func TestClaimsEvictNothing(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{MaxBytes: 4 * mib})
		put(t, c, "idle", payload(1, 3*mib))
		s := newStepper()
		e := acquireFor(t, c, "k", 100*mib, s.fill)
		wantClaimed(t, "all that is not held", c, 4*mib)
		check(t, "append", s.append(payload(2, mib/2)), nil)
		check(t, "announce", s.announce(2*mib), nil)
		wantClaimed(t, "announced", c, costOf(2*mib)-costOf(mib/2))
		if !c.Has("idle") {
			t.Error("an entry was evicted before anything was written in its place")
		}
		check(t, "append", s.append(payload(2, mib/2)), nil)
		if c.Has("idle") {
			t.Error("the idle entry is still there, and so is what did not fit beside it")
		}
		e.Release()
		wantClaimed(t, "parked", c, 0)
		e = acquireFor(t, c, "k", 1, noFill(t))
		wantClaimed(t, "held again", c, costOf(2*mib)-costOf(mib))
		s.end(errFill)
		synctest.Wait()
		wantClaimed(t, "failed", c, 0)
		e.Release()
	})
}

// TestHeadsInASmallCache has sixteen fills bring a head each of what together would be fifty times the cache, and lets
// them go: none fails, and then one of them gets all of the cache.
func TestHeadsInASmallCache(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{MaxBytes: 32 * mib, Linger: time.Hour})
		var fills []*stepper
		var entries []*cache.Entry
		for i := range 16 {
			fills = append(fills, newStepper())
			entries = append(entries, acquireFor(t, c, keyOf(i), 100*mib, fills[i].fill))
		}
		for _, s := range fills {
			check(t, "head", s.append(make([]byte, mib/2)), nil)
			check(t, "announce", s.announce(30*mib), nil)
		}
		for _, e := range entries {
			e.Release()
		}
		wantClaimed(t, "all parked", c, 0)
		e := acquireFor(t, c, keyOf(15), 0, noFill(t))
		for range 59 {
			check(t, "media", fills[15].append(make([]byte, mib/2)), nil)
		}
		fills[15].end(errDone)
		<-e.Done()
		if !e.Complete() {
			t.Errorf("not whole: %v", e.Err())
		}
		e.Release()
	})
}

func TestAnnouncedSizeThatNothingHolds(t *testing.T) {
	dir := t.TempDir()
	tests := map[string]struct {
		memory int64
		want   error
	}{"no memory": {0, cache.ErrFull}, "too little": {2*mib - 1, cache.ErrFull}, "enough": {2 * mib, nil}}
	for name, test := range tests {
		c := open(t, dir, cache.Options{MaxBytes: mib, MemoryBytes: test.memory})
		put(t, c, "idle", payload(1, 100))
		e := acquire(t, c, "k", func(ctx context.Context, w *cache.Writer) error {
			if err := w.Announce(2 * mib); err != nil {
				return err
			}
			return fillWith(payload(2, 2*mib), 100_000)(ctx, w)
		})
		<-e.Done()
		check(t, name, e.Err(), test.want)
		if test.want == nil {
			mustHave(t, e, payload(2, 2*mib))
		}
		if !c.Has("idle") {
			t.Errorf("%s: another entry went for one that can never be on disk", name)
		}
		e.Release()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
