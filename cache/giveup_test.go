package cache_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
)

func TestGiveUpParkedTakesTheOldest(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{Linger: time.Hour})
		if c.GiveUpParked() {
			t.Error("gave up a fill where there is none")
		}
		held, first, second := newStepper(), newStepper(), newStepper()
		entry := acquire(t, c, "held", held.fill)
		a := acquire(t, c, "first", first.fill)
		b := acquire(t, c, "second", second.fill)
		check(t, "append", first.append([]byte("x")), nil)
		check(t, "append", second.append([]byte("x")), nil)
		a.Release()
		time.Sleep(time.Second)
		b.Release()
		if !c.GiveUpParked() {
			t.Fatal("no fill given up, two are parked")
		}
		<-a.Done()
		check(t, "the fill parked first", a.Err(), cache.ErrAbandoned)
		late := appendLater(second, []byte("x"))
		mustBlock(t, late)
		if !c.GiveUpParked() {
			t.Fatal("no fill given up, one is parked")
		}
		check(t, "append of the other", <-late, cache.ErrAbandoned)
		<-b.Done()
		if c.GiveUpParked() {
			t.Error("gave up a fill that is held")
		}
		check(t, "append of the fill that is held", held.append([]byte("x")), nil)
		held.end(errDone)
		<-entry.Done()
		entry.Release()
	})
}

// TestSpaceIsNotWaitedForInVain: a fill that was given up, has no bytes and does not return is nothing to wait for: it may itself
// wait for an entry that waits for space. What is paused and has bytes is given up.
func TestSpaceIsNotWaitedForInVain(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{MaxBytes: 1 << 20, Linger: time.Hour})
		returns := make(chan struct{})
		acquire(t, c, "stuck", func(context.Context, *cache.Writer) error {
			<-returns
			return errDone
		}).Release()
		time.Sleep(2 * time.Second) // until it is given up
		parked, wants := newStepper(), newStepper()
		a := acquire(t, c, "parked", parked.fill)
		check(t, "append", parked.append(make([]byte, 900<<10)), nil)
		a.Release()
		b := acquire(t, c, "wants", wants.fill)
		begun := time.Now()
		check(t, "append of what needs the space", wants.append(make([]byte, 500<<10)), nil)
		<-a.Done()
		if waited := time.Since(begun); waited > 0 {
			t.Errorf("waited %s for the space, want that it is there at once", waited)
		}
		check(t, "the paused fill", a.Err(), cache.ErrAbandoned)
		close(returns)
		wants.end(errDone)
		<-b.Done()
		b.Release()
	})
}

// TestFillWithoutAByteIsGivenUpSoon: it has nothing to lose but its turn.
func TestFillWithoutAByteIsGivenUpSoon(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{Linger: time.Hour})
		s := newStepper()
		e := acquire(t, c, "k", s.fill)
		e.Release()
		time.Sleep(time.Second - time.Nanosecond)
		e = acquire(t, c, "k", noFill(t)) // somebody comes again in time
		e.Release()
		time.Sleep(time.Second)
		<-e.Done()
		check(t, "the fill", e.Err(), cache.ErrAbandoned)
	})
}

func TestDoneAndHeld(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{})
		s := newStepper()
		e := acquire(t, c, "k", s.fill)
		check(t, "append", s.append([]byte("all")), nil)
		select {
		case <-e.Done():
			t.Error("done while the fill runs")
		default:
		}
		s.end(errDone)
		<-e.Done()
		if !e.Complete() {
			t.Error("done and not complete")
		}
		e.Release()
		again := acquire(t, c, "k", noFill(t))
		<-again.Done()
		again.Release()
	})
}

func TestDropFillsAnew(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	c.Drop("k") // nothing there
	old := acquire(t, c, "k", fillWith([]byte("old"), 3))
	<-old.Done()
	c.Drop("k")
	if c.Has("k") {
		t.Error("dropped and still there")
	}
	fresh := acquire(t, c, "k", fillWith([]byte("fresh"), 5))
	mustHave(t, fresh, []byte("fresh"))
	mustHave(t, old, []byte("old"))
	old.Release()
	fresh.Release()
}
