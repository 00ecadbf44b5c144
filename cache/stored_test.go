package cache_test

import (
	"bytes"
	"testing"

	"clipfs/cache"
)

// stored reads what an entry has on disk of the n bytes from a position on.
func stored(t *testing.T, e *cache.Entry, off, n int64) []byte {
	t.Helper()
	f, length := e.Stored(off, n)
	if length == 0 {
		return nil
	}
	p := make([]byte, length)
	if _, err := f.ReadAt(p, off); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestStored: what has come of an entry is told of as it is on disk, and after a restart what was checked, no other.
func TestStored(t *testing.T) {
	const size = 300_000
	dir, want := t.TempDir(), payload(1, size)
	c := open(t, dir, cache.Options{})
	s := newStepper()
	e := acquire(t, c, "k", s.fill)
	if got := stored(t, e, 0, 10); got != nil {
		t.Errorf("of an entry without bytes: %d bytes", len(got))
	}
	check(t, "append", s.append(want[:200_000]), nil)
	if got := stored(t, e, 1000, size); !bytes.Equal(got, want[1000:200_000]) {
		t.Errorf("of an entry that grows: %d bytes, want 199000", len(got))
	}
	check(t, "append", s.append(want[200_000:]), nil)
	s.end(errDone)
	<-e.Done()
	if got := stored(t, e, 0, 2*size); !bytes.Equal(got, want) {
		t.Errorf("of a whole one: %d bytes, want %d", len(got), size)
	}
	for _, off := range []int64{-1, size, size + 1} {
		if got := stored(t, e, off, 10); got != nil {
			t.Errorf("from %d on: %d bytes", off, len(got))
		}
	}
	e.Release()
	if got := stored(t, e, 0, 10); got != nil {
		t.Errorf("after it was released: %d bytes", len(got))
	}
	c = reopen(t, c, dir, cache.Options{})
	e = acquire(t, c, "k", noFill(t))
	defer e.Release()
	if got := stored(t, e, 0, size); got != nil {
		t.Errorf("%d bytes that nobody has checked", len(got))
	}
	if _, err := e.ReadAt(t.Context(), make([]byte, 10), 0); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, e, 10, 60_000); !bytes.Equal(got, want[10:60_010]) {
		t.Errorf("of a block that was checked: %d bytes", len(got))
	}
	if got := stored(t, e, 60_000, 60_000); got != nil {
		t.Errorf("%d bytes, and the last of them nobody has checked", len(got))
	}
	mustHave(t, e, want)
	if got := stored(t, e, 0, size); !bytes.Equal(got, want) {
		t.Errorf("once all was checked: %d bytes, want %d", len(got), size)
	}
}

// TestStoredWithoutMemory: what an entry has in memory is not told of.
func TestStoredWithoutMemory(t *testing.T) {
	c := open(t, t.TempDir(), cache.Options{MaxBytes: 100 * block, MemoryBytes: mib})
	want := payload(1, 700_000)
	e := acquire(t, c, "k", fillWith(want, 10_000))
	defer e.Release()
	<-e.Done()
	got := stored(t, e, 0, 700_000)
	if len(got) == 0 || len(got) == len(want) || !bytes.Equal(got, want[:len(got)]) {
		t.Errorf("%d bytes of %d are on disk", len(got), len(want))
	}
	if rest := stored(t, e, int64(len(got)), 10); rest != nil {
		t.Errorf("%d bytes are on disk that are in memory", len(rest))
	}
}
