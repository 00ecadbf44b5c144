package cache_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"clipfs/cache"
)

func TestReadersFollowAGrowingEntry(t *testing.T) {
	for _, announce := range []int{-1, 0, 100_000} { // bytes written before the size is announced; -1: never
		const size = 700_001
		want := payload(1, size)
		fill := func(_ context.Context, w *cache.Writer) error {
			rng := rand.New(rand.NewPCG(1, 2))
			for at := 0; at < size; {
				if announce >= 0 && at >= announce {
					if err := w.Announce(size); err != nil {
						return err
					}
				}
				n := min(1+rng.IntN(9000), size-at)
				if err := w.Append(want[at : at+n]); err != nil {
					return err
				}
				at += n
				runtime.Gosched()
			}
			return nil
		}
		c := open(t, t.TempDir(), cache.Options{})
		var wg sync.WaitGroup
		for reader := range 32 {
			wg.Go(func() { followAtRandom(t, c, uint64(reader), fill, want) })
		}
		wg.Wait()
		if got := c.Stats(); got.Misses != 1 || got.Shared+got.Hits != 31 {
			t.Errorf("announce %d: %d misses, %d others; want 1, 31", announce, got.Misses, got.Shared+got.Hits)
		}
	}
}

// followAtRandom reads ranges of an entry at random, some past its end, and compares them.
func followAtRandom(t *testing.T, c *cache.Cache, seed uint64, fill cache.Fill, want []byte) {
	e, err := c.Acquire("k", cache.Request{Fill: fill})
	if err != nil {
		t.Error(err)
		return
	}
	defer e.Release()
	rng := rand.New(rand.NewPCG(seed, 3))
	p := make([]byte, 40_000)
	for range 60 {
		off := rng.IntN(len(want) + 20_000)
		q := p[:rng.IntN(len(p))]
		n, err := e.ReadAt(t.Context(), q, int64(off))
		wantN := max(0, min(len(q), len(want)-off))
		var wantErr error
		if wantN < len(q) {
			wantErr = io.EOF
		}
		if n != wantN || !errors.Is(err, wantErr) {
			t.Errorf("read %d at %d: got %d, %v; want %d, %v", len(q), off, n, err, wantN, wantErr)
			return
		}
		if n > 0 && !bytes.Equal(q[:n], want[off:off+n]) {
			t.Errorf("read %d at %d: wrong bytes", len(q), off)
			return
		}
	}
}

func TestOneFillForManyAcquirers(t *testing.T) {
	c := open(t, t.TempDir(), cache.Options{})
	want := payload(2, 50_000)
	var fills atomic.Int32
	fill := func(ctx context.Context, w *cache.Writer) error {
		fills.Add(1)
		return fillWith(want, 777)(ctx, w)
	}
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			e, err := c.Acquire("k", cache.Request{Fill: fill})
			if err != nil {
				t.Error(err)
				return
			}
			defer e.Release()
			if got, err := readAll(t.Context(), e); err != nil || !bytes.Equal(got, want) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
	if got := fills.Load(); got != 1 {
		t.Errorf("got %d fills, want 1", got)
	}
}

// result is what a read gave.
type result struct {
	n   int
	err error
}

// readLater reads in a goroutine of its own.
func readLater(ctx context.Context, e *cache.Entry, n int, off int64) <-chan result {
	ch := make(chan result, 1)
	go func() {
		n, err := e.ReadAt(ctx, make([]byte, n), off)
		ch <- result{n, err}
	}()
	return ch
}

// mustWait fails the test if a read has ended.
func mustWait(t *testing.T, what string, ch <-chan result) {
	t.Helper()
	synctest.Wait()
	select {
	case got := <-ch:
		t.Errorf("%s: ended with %d, %v; should wait", what, got.n, got.err)
	default:
	}
}

// mustEnd fails the test unless a read has ended so.
func mustEnd(t *testing.T, what string, ch <-chan result, n int, err error) {
	t.Helper()
	synctest.Wait()
	select {
	case got := <-ch:
		if got.n != n || !errors.Is(got.err, err) || (err == nil && got.err != nil) {
			t.Errorf("%s: got %d, %v; want %d, %v", what, got.n, got.err, n, err)
		}
	default:
		t.Errorf("%s: still waits, want %d, %v", what, n, err)
	}
}

func TestReadWaitsOnlyForItsBytes(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{})
		s := newStepper()
		e := acquire(t, c, "k", s.fill)
		defer e.Release()
		first := readLater(t.Context(), e, 10, 0)
		second := readLater(t.Context(), e, 10, 5)
		past := readLater(t.Context(), e, 10, 100)
		mustWait(t, "nothing there", first)
		check(t, "append", s.append(payload(1, 14)), nil)
		mustEnd(t, "bytes there", first, 10, nil)
		mustWait(t, "one byte missing", second)
		check(t, "append", s.append(payload(2, 1)), nil)
		mustEnd(t, "bytes there", second, 10, nil)
		mustWait(t, "end unknown", past)

		across := readLater(t.Context(), e, 10, 15)
		check(t, "announce", s.announce(20), nil)
		mustEnd(t, "past the announced end", past, 0, io.EOF)
		mustWait(t, "across the announced end", across)
		check(t, "append", s.append(payload(3, 5)), nil)
		mustEnd(t, "across the announced end", across, 5, io.EOF)
		if e.Complete() {
			t.Error("complete before the fill has returned")
		}
		s.end(errDone)
		synctest.Wait()
		if !e.Complete() || e.Err() != nil || !c.Has("k") {
			t.Errorf("complete %t, err %v, has %t; want true, nil, true", e.Complete(), e.Err(), c.Has("k"))
		}
	})
}

func TestEndLearntFromTheFill(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{})
		s := newStepper()
		e := acquire(t, c, "k", s.fill)
		defer e.Release()
		check(t, "append", s.append(payload(1, 10)), nil)
		across := readLater(t.Context(), e, 10, 5)
		past := readLater(t.Context(), e, 1, 10)
		mustWait(t, "end unknown", across)
		s.end(errDone)
		mustEnd(t, "across the end", across, 5, io.EOF)
		mustEnd(t, "at the end", past, 0, io.EOF)
	})
}

func TestReadOfAWholeEntry(t *testing.T) {
	c := open(t, t.TempDir(), cache.Options{})
	put(t, c, "k", payload(1, 100))
	put(t, c, "empty", nil)
	tests := []struct {
		key     cache.Key
		off     int64
		n, want int
		err     error
	}{
		{"k", 0, 100, 100, nil},
		{"k", 99, 1, 1, nil},
		{"k", 99, 2, 1, io.EOF},
		{"k", 100, 1, 0, io.EOF},
		{"k", 1 << 62, 1, 0, io.EOF},
		{"k", 1<<63 - 1, 9, 0, io.EOF},
		{"k", 200, 0, 0, nil},
		{"empty", 0, 1, 0, io.EOF},
	}
	for _, test := range tests {
		e := acquire(t, c, test.key, noFill(t))
		n, err := e.ReadAt(t.Context(), make([]byte, test.n), test.off)
		if n != test.want || !errors.Is(err, test.err) || (err != nil) != (test.err != nil) {
			t.Errorf("%s: read %d at %d: got %d, %v; want %d, %v", test.key, test.n, test.off, n, err, test.want, test.err)
		}
		if n, err = e.ReadAt(t.Context(), make([]byte, 1), -1); n != 0 || err == nil || errors.Is(err, io.EOF) {
			t.Errorf("negative offset: got %d, %v", n, err)
		}
		e.Release()
	}
}

func TestCancelOfOneWaiterLeavesOthers(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{})
		s := newStepper()
		e := acquire(t, c, "k", s.fill)
		defer e.Release()
		cause := errors.New("the caller went away")
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := readLater(ctx, e, 10, 0)
		var others []<-chan result
		for range 8 {
			others = append(others, readLater(t.Context(), e, 10, 0))
		}
		mustWait(t, "nothing there", gone)
		cancel(cause)
		mustEnd(t, "cancelled", gone, 0, cause)
		for _, other := range others {
			mustWait(t, "other", other)
		}
		if _, err := e.Size(ctx); !errors.Is(err, cause) {
			t.Errorf("size: got error %v, want %v", err, cause)
		}
		check(t, "append", s.append(payload(1, 10)), nil)
		for _, other := range others {
			mustEnd(t, "other", other, 10, nil)
		}
		// What is there is served even to one who has given up.
		mustEnd(t, "bytes there", readLater(ctx, e, 10, 0), 10, nil)
		s.end(errDone)
	})
}

func TestSizeIsKnownWhenAnnounced(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{})
		s := newStepper()
		e := acquire(t, c, "k", s.fill)
		defer e.Release()
		size := make(chan int64, 1)
		go func() {
			n, err := e.Size(t.Context())
			check(t, "size", err, nil)
			size <- n
		}()
		synctest.Wait()
		select {
		case <-size:
			t.Error("size given before it is known")
		default:
		}
		check(t, "announce", s.announce(1000), nil)
		if got := <-size; got != 1000 {
			t.Errorf("got size %d, want 1000", got)
		}
		s.end(errFill)
		synctest.Wait()
		if got, err := e.Size(t.Context()); got != 1000 || err != nil {
			t.Errorf("after the failure: got %d, %v; want 1000, nil", got, err)
		}
	})
}

func TestFailureAndRetry(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := open(t, dir, cache.Options{})
		s := newStepper()
		e := acquire(t, c, "k", s.fill)
		check(t, "append", s.append(payload(1, 10)), nil)
		late := readLater(t.Context(), e, 10, 5)
		mustWait(t, "bytes missing", late)
		s.end(errFill)
		mustEnd(t, "waiting when it failed", late, 0, errFill)
		mustEnd(t, "bytes that had come", readLater(t.Context(), e, 10, 0), 10, nil)
		mustEnd(t, "bytes that had not", readLater(t.Context(), e, 1, 10), 0, errFill)
		_, err := e.Size(t.Context())
		check(t, "size", err, errFill)
		check(t, "err", e.Err(), errFill)
		if e.Complete() || c.Has("k") || len(dataFiles(t, dir)) != 0 {
			t.Errorf("complete %t, has %t, files %v", e.Complete(), c.Has("k"), dataFiles(t, dir))
		}
		want := payload(2, 30)
		again := acquire(t, c, "k", fillWith(want, 7))
		mustHave(t, again, want)
		again.Release()
		if got, want := c.Stats().Bytes, int64(2*4096); got != want {
			t.Errorf("failed entry held: %d bytes used, want %d", got, want)
		}
		e.Release()
		if got, want := c.Stats().Bytes, int64(4096); got != want {
			t.Errorf("failed entry released: %d bytes used, want %d", got, want)
		}
	})
}

func TestFillThatBreaksItsWord(t *testing.T) {
	tests := []struct {
		name string
		fill cache.Fill
		want error
	}{
		{"append past the announced size", func(_ context.Context, w *cache.Writer) error {
			return errors.Join(w.Announce(5), w.Append(make([]byte, 6)))
		}, cache.ErrOverrun},
		{"announce less than was written", func(_ context.Context, w *cache.Writer) error {
			return errors.Join(w.Append(make([]byte, 6)), w.Announce(5))
		}, cache.ErrOverrun},
		{"announce twice", func(_ context.Context, w *cache.Writer) error {
			return errors.Join(w.Announce(5), w.Announce(5), w.Append(make([]byte, 5)), w.Announce(6))
		}, cache.ErrOverrun},
		{"announce less than nothing", func(_ context.Context, w *cache.Writer) error { return w.Announce(-1) }, cache.ErrOverrun},
		{"announce more than fits", func(_ context.Context, w *cache.Writer) error { return w.Announce(1 << 30) }, cache.ErrFull},
		{"end early", func(_ context.Context, w *cache.Writer) error { return w.Announce(5) }, cache.ErrShort},
		{"leave the goroutine", func(context.Context, *cache.Writer) error { runtime.Goexit(); return nil }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			c := open(t, dir, cache.Options{MaxBytes: 1 << 20})
			e := acquire(t, c, "k", test.fill)
			defer e.Release()
			waitForEnd(e)
			if e.Err() == nil {
				t.Fatal("got no error, want the fill's")
			}
			if n, err := e.ReadAt(t.Context(), make([]byte, 100), 0); err == nil {
				t.Errorf("read: got %d and no error", n)
			}
			if test.want != nil {
				check(t, "fill", e.Err(), test.want)
			}
			if c.Has("k") {
				t.Error("entry is kept")
			}
		})
	}
}

// waitForEnd waits until the fill of an entry has ended, well or not.
func waitForEnd(e *cache.Entry) {
	for e.Err() == nil && !e.Complete() {
		runtime.Gosched()
	}
}

func TestWriterAfterItsFill(t *testing.T) {
	c := open(t, t.TempDir(), cache.Options{})
	var kept *cache.Writer
	e := acquire(t, c, "k", func(_ context.Context, w *cache.Writer) error {
		kept = w
		return w.Append(make([]byte, 10))
	})
	defer e.Release()
	mustHave(t, e, make([]byte, 10))
	if got := kept.Written(); got != 10 {
		t.Errorf("written: got %d, want 10", got)
	}
	check(t, "append", kept.Append(make([]byte, 1)), cache.ErrOverrun)
	check(t, "announce", kept.Announce(11), cache.ErrAbandoned)
}
