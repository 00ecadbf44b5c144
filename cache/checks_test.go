package cache_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipfs/cache"
)

// flip changes one bit of a file.
func flip(t testing.TB, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 1)
	if _, err := f.ReadAt(p, at); err != nil {
		t.Fatal(err)
	}
	p[0] ^= 1 << (at % 8)
	if _, err := f.WriteAt(p, at); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// sumBlock is how many bytes one checksum covers.
const sumBlock = 64 << 10

// TestFlippedBits is of single files: the bad block of a pair may be found in the background before it is read.
func TestFlippedBits(t *testing.T) {
	const size = 3*sumBlock + 1000
	want := payload(1, size)
	for _, at := range []int64{0, sumBlock - 1, sumBlock, 2*sumBlock + 17, 3 * sumBlock, size - 1} {
		dir := t.TempDir()
		c := open(t, dir, cache.Options{})
		put(t, c, "k", want)
		c = reopen(t, c, dir, cache.Options{})
		flip(t, fileOf(t, dir, "k"), at)
		e := acquire(t, c, "k", noFill(t))
		bad := at / sumBlock
		for i := range int64(4) { // a read of a few bytes of each block tells the bad one, and no other
			p := make([]byte, 100)
			off := min(i*sumBlock+500, size-100)
			if i == bad {
				continue
			}
			if _, err := e.ReadAt(t.Context(), p, off); err != nil || string(p) != string(want[off:off+100]) {
				t.Errorf("bit %d: block %d: %v", at, i, err)
			}
		}
		_, err := e.ReadAt(t.Context(), make([]byte, 100), min(bad*sumBlock+500, size-100))
		check(t, "read of the bad block", err, cache.ErrDamaged)
		again := acquire(t, c, "k", fillWith(want, 10_000))
		mustHave(t, again, want)
		again.Release()
		e.Release()
		if names := dataFiles(t, dir); len(names) != 1 {
			t.Errorf("bit %d: files %v, want one", at, names)
		}
	}
}

func TestReadsAcrossCheckedAndUncheckedBlocks(t *testing.T) {
	bothForms(t, testReadsAcrossCheckedAndUncheckedBlocks)
}

func testReadsAcrossCheckedAndUncheckedBlocks(t *testing.T) {
	const size = 6*sumBlock + 4321
	want := payload(1, size)
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	put(t, c, "k", want)
	rng := newRand(5)
	for range 20 {
		c = reopen(t, c, dir, cache.Options{})
		e := acquire(t, c, "k", noFill(t))
		for n := range 20 {
			off := rng.IntN(size)
			p := make([]byte, rng.IntN(size-off)+1)
			if got, err := e.ReadAt(t.Context(), p, int64(off)); got != len(p) || err != nil || string(p) != string(want[off:off+got]) {
				t.Fatalf("read %d at %d: got %d, %v", len(p), off, got, err)
			}
			if n == 7 { // what was checked stays so when the file is closed in between
				e.Release()
				e = acquire(t, c, "k", noFill(t))
			}
		}
		mustHave(t, e, want)
		e.Release()
	}
}

func TestCheckedOnceAStart(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	put(t, c, "k", payload(1, 1000))
	c = reopen(t, c, dir, cache.Options{})
	e := acquire(t, c, "k", noFill(t))
	mustHave(t, e, payload(1, 1000))
	flip(t, fileOf(t, dir, "k"), 1200) // in the tail, which is not looked at again while the file is open
	again := acquire(t, c, "k", noFill(t))
	mustHave(t, again, payload(1, 1000))
	again.Release()
	e.Release()
}

func TestDamagedTails(t *testing.T) { bothForms(t, testDamagedTails) }

func testDamagedTails(t *testing.T) {
	const size = 100_000
	full := cache.FileSize(size)
	if apart { // the same in the checksums' file, whose proof begins at full
		testDamagedChecks(t, size)
		return
	}
	tests := map[string]func(path string) error{
		"bit of the magic":    func(path string) error { flip(t, path, size); return nil },
		"bit of the header":   func(path string) error { flip(t, path, size+30); return nil },
		"bit of the words":    func(path string) error { flip(t, path, size+60); return nil },
		"bit of a checksum":   func(path string) error { flip(t, path, full-1); return nil },
		"last byte missing":   func(path string) error { return os.Truncate(path, full-1) },
		"no tail":             func(path string) error { return os.Truncate(path, size) },
		"half of the bytes":   func(path string) error { return os.Truncate(path, size/2) },
		"nothing":             func(path string) error { return os.Truncate(path, 0) },
		"one byte more":       func(path string) error { return os.Truncate(path, full+1) },
		"a hole for the tail": func(path string) error { _ = os.Truncate(path, size); return os.Truncate(path, full) },
	}
	for name, damage := range tests {
		for _, settle := range []bool{false, true} { // found by Acquire, or in the background before it
			dir := t.TempDir()
			c := open(t, dir, cache.Options{})
			put(t, c, "k", payload(1, size))
			put(t, c, "good", payload(2, size))
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if err := damage(fileOf(t, dir, "k")); err != nil {
				t.Fatal(err)
			}
			c = open(t, dir, cache.Options{})
			if settle {
				cache.Settle(c)
			}
			put(t, c, "k", payload(3, size)) // fails if the old bytes are served
			e := acquire(t, c, "good", noFill(t))
			mustHave(t, e, payload(2, size))
			e.Release()
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if st := c.Stats(); st.Bytes != 2*costOf(size) || len(dataFiles(t, dir)) != 2 {
				t.Errorf("%s: %d bytes, files %v; want two entries", name, st.Bytes, dataFiles(t, dir))
			}
		}
	}
}

func testDamagedChecks(t *testing.T, size int64) {
	full := cache.FileSize(size) - size
	tests := map[string]func(path string) error{
		"bit of the magic":    func(path string) error { flip(t, path, 0); return nil },
		"bit of the header":   func(path string) error { flip(t, path, 30); return nil },
		"bit of a checksum":   func(path string) error { flip(t, path, full-1); return nil },
		"last byte missing":   func(path string) error { return os.Truncate(path, full+63) },
		"half of it":          func(path string) error { return os.Truncate(path, full/2) },
		"nothing":             func(path string) error { return os.Truncate(path, 0) },
		"one byte more":       func(path string) error { return os.Truncate(path, full+65) },
		"gone":                os.Remove,
		"the data gone":       func(path string) error { return os.Remove(strings.TrimSuffix(path, "checks") + "data") },
		"the data cut":        func(path string) error { return os.Truncate(strings.TrimSuffix(path, "checks")+"data", size-1) },
		"the data grown":      func(path string) error { return os.Truncate(strings.TrimSuffix(path, "checks")+"data", size+1) },
		"a link for the data": func(path string) error { return linkInstead(strings.TrimSuffix(path, "checks") + "data") },
		"a link":              linkInstead,
	}
	for name, damage := range tests {
		for _, settle := range []bool{false, true} {
			dir := t.TempDir()
			c := open(t, dir, cache.Options{})
			put(t, c, "k", payload(1, int(size)))
			put(t, c, "good", payload(2, int(size)))
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			path, _ := footerFile(t, dir, "k", size)
			if err := damage(path); err != nil {
				t.Fatal(err)
			}
			c = open(t, dir, cache.Options{})
			if settle {
				cache.Settle(c)
			}
			put(t, c, "k", payload(1, int(size))) // filled again, but for a checksum that is no longer needed
			e := acquire(t, c, "good", noFill(t))
			mustHave(t, e, payload(2, int(size)))
			e.Release()
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			wantPairs(t, dir)
			if st := c.Stats(); st.Bytes != 2*costOf(size) || len(dataFiles(t, dir)) != 2 {
				t.Errorf("%s: %d bytes, files %v; want two entries", name, st.Bytes, allFiles(t, dir))
			}
		}
	}
}

// linkInstead puts a link to the same bytes in the place of a file.
func linkInstead(path string) error {
	moved := filepath.Join(filepath.Dir(path), "..", "moved")
	return errors.Join(os.Rename(path, moved), os.Symlink(moved, path))
}

// TestBitsAnywhere flips bits of whole files at random: whatever is served is what was written.
func TestBitsAnywhere(t *testing.T) { bothForms(t, testBitsAnywhere) }

func testBitsAnywhere(t *testing.T) {
	rng := newRand(3)
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	served, refilled := 0, 0
	for range 300 {
		size := rng.IntN(4 * sumBlock)
		want := payload(size, size)
		put(t, c, "k", want)
		c = reopen(t, c, dir, cache.Options{})
		path, at := fileOf(t, dir, "k"), rng.Int64N(cache.FileSize(int64(size)))
		if at >= int64(size) {
			var from int64
			path, from = footerFile(t, dir, "k", int64(size))
			at += from - int64(size)
		}
		flip(t, path, at)
		old := true
		e := acquire(t, c, "k", func(ctx context.Context, w *cache.Writer) error {
			old = false
			return fillWith(want, 50_000)(ctx, w)
		})
		got, err := readAll(t.Context(), e)
		switch {
		case err == nil && string(got) != string(want):
			t.Fatalf("%d bytes: wrong ones were served", size)
		case err == nil && old:
			served++ // the bit was none that is read: of the unused part of the header there is none
		case err != nil:
			check(t, "read", err, cache.ErrDamaged)
		default:
			refilled++
		}
		e.Release()
		c.Drop("k")
	}
	if served > 0 && !apart { // the bytes of a pair may be proven already when its checksums change
		t.Errorf("%d times a changed file was served", served)
	}
	t.Logf("filled again at once %d times", refilled)
}

func TestExpiry(t *testing.T) {
	day := 24 * time.Hour
	now := time.Now()
	tests := map[string]struct {
		maxAge  time.Duration
		request cache.Request
		want    bool
	}{
		"no limit":                  {0, cache.Request{About: cache.About{Start: now.Add(-100 * day)}}, true},
		"retained":                  {0, cache.Request{Expires: now.Add(day)}, true},
		"past its retention":        {0, cache.Request{Expires: now.Add(-time.Minute)}, false},
		"young enough":              {day, cache.Request{About: cache.About{Start: now.Add(-23 * time.Hour)}}, true},
		"too old":                   {day, cache.Request{About: cache.About{Start: now.Add(-25 * time.Hour)}}, false},
		"old, and retained":         {day, cache.Request{Expires: now.Add(day), About: cache.About{Start: now.Add(-25 * time.Hour)}}, false},
		"of unknown time, just now": {day, cache.Request{}, true},
	}
	for name, test := range tests {
		dir := t.TempDir()
		c := open(t, dir, cache.Options{})
		test.request.Fill = fillWith(payload(1, 1000), 1000)
		e, err := c.Acquire("k", test.request)
		if err != nil {
			t.Fatal(err)
		}
		mustHave(t, e, payload(1, 1000))
		e.Release()
		// In the same process, without waiting for the minute.
		c = reopen(t, c, dir, cache.Options{MaxAge: test.maxAge})
		filled := false
		e = acquire(t, c, "k", func(ctx context.Context, w *cache.Writer) error {
			filled = true
			return fillWith(payload(2, 10), 10)(ctx, w)
		})
		<-e.Done()
		e.Release()
		if filled == test.want {
			t.Errorf("%s: filled again %t, want %t", name, filled, !test.want)
		}
	}
}
