package cache_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
)

// appendLater has a stepper append and gives the result when it is there.
func appendLater(s *stepper, p []byte) <-chan error {
	ch := make(chan error, 1)
	go func() { ch <- s.append(p) }()
	return ch
}

// mustBlock fails the test if an Append has returned.
func mustBlock(t *testing.T, ch <-chan error) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-ch:
		t.Errorf("append returned %v; should block", err)
	default:
	}
}

func TestParkedFillGoesOnWhenAcquired(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{Linger: 5 * time.Second})
		s := newStepper()
		e := acquire(t, c, "k", s.fill)
		check(t, "append", s.append([]byte("one ")), nil)
		for range 3 { // each time the whole of Linger is to be had again
			e.Release()
			late := appendLater(s, []byte("more "))
			mustBlock(t, late)
			time.Sleep(5*time.Second - time.Nanosecond)
			mustBlock(t, late)
			e = acquire(t, c, "k", noFill(t))
			check(t, "append after the resume", <-late, nil)
		}
		time.Sleep(time.Minute)
		s.end(errDone)
		mustHave(t, e, []byte("one more more more "))
		e.Release()
	})
}

func TestParkedFillIsAbandoned(t *testing.T) {
	tests := []struct {
		name         string
		linger, want time.Duration
	}{
		{"default", 0, cache.DefaultLinger},
		{"set", 3 * time.Second, 3 * time.Second},
		{"none", -1, 0},
	}
	for _, test := range tests {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			c := open(t, dir, cache.Options{Linger: test.linger})
			type end struct {
				cause, err error
				after      time.Duration
			}
			ends := make(chan end, 1)
			start := time.Now()
			e := acquire(t, c, "k", func(ctx context.Context, w *cache.Writer) error {
				if err := w.Append([]byte("a")); err != nil {
					return err
				}
				<-time.After(time.Millisecond)
				err := w.Append([]byte("b"))
				ends <- end{context.Cause(ctx), err, time.Since(start)}
				return err
			})
			mustEnd(t, test.name, readLater(t.Context(), e, 1, 0), 1, nil)
			e.Release()
			e.Release() // does nothing
			got := <-ends
			check(t, test.name+": cause", got.cause, cache.ErrAbandoned)
			check(t, test.name+": append", got.err, cache.ErrAbandoned)
			if want := max(test.want, time.Millisecond); got.after != want {
				t.Errorf("%s: abandoned after %v, want %v", test.name, got.after, want)
			}
			synctest.Wait()
			if st := c.Stats(); st.Bytes != 0 || st.Growing != 0 || len(dataFiles(t, dir)) != 0 {
				t.Errorf("%s: left behind: %+v, %v", test.name, st, dataFiles(t, dir))
			}
			put(t, c, "k", []byte("anew"))
		})
	}
}

func TestFillWithoutAppendIsAbandonedToo(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{Linger: time.Second})
		start := time.Now()
		causes := make(chan error, 1)
		e := acquire(t, c, "k", func(ctx context.Context, _ *cache.Writer) error {
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return context.Cause(ctx)
		})
		time.Sleep(time.Hour) // held: nothing happens
		e.Release()
		check(t, "cause", <-causes, cache.ErrAbandoned)
		if got, want := time.Since(start), time.Hour+time.Second; got != want {
			t.Errorf("abandoned after %v, want %v", got, want)
		}
	})
}

func TestFillThatEndsWellWhileParkedIsKept(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{})
		s := newStepper()
		e := acquire(t, c, "k", s.fill)
		check(t, "append", s.append([]byte("all")), nil)
		e.Release()
		s.end(errDone)
		synctest.Wait()
		time.Sleep(time.Minute)
		e = acquire(t, c, "k", noFill(t))
		mustHave(t, e, []byte("all"))
		e.Release()
		if got := c.Stats(); got.Held != 0 || got.Whole != 1 || got.Growing != 0 {
			t.Errorf("got %+v, want one whole entry, not held", got)
		}
	})
}

func TestFillThatEndsWellAfterItWasAbandoned(t *testing.T) {
	for _, anew := range []bool{false, true} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			c := open(t, dir, cache.Options{Linger: time.Second})
			slow := make(chan struct{})
			e := acquire(t, c, "k", func(_ context.Context, w *cache.Writer) error {
				err := w.Append([]byte("slow"))
				<-slow
				return err
			})
			synctest.Wait()
			e.Release()
			time.Sleep(2 * time.Second)
			want := "slow"
			if anew { // the key was taken up anew meanwhile: that one counts
				put(t, c, "k", []byte("new"))
				want = "new"
			}
			close(slow)
			synctest.Wait()
			e = acquire(t, c, "k", noFill(t))
			mustHave(t, e, []byte(want))
			e.Release()
			if st := c.Stats(); st.Bytes != 4096 || len(dataFiles(t, dir)) != 1 {
				t.Errorf("anew %t: %d bytes, files %v; want one block, one file", anew, st.Bytes, dataFiles(t, dir))
			}
		})
	}
}
