package cache_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"clipfs/cache"
)

// makeHeads makes the files of n entries of one byte, with keys as they are in use.
func makeHeads(t testing.TB, dir string, n int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "data2"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := append([]byte{1}, cache.Footer([]byte{1}, cache.About{Stream: "s"}, time.Time{})...)
	for i := range n {
		name := fmt.Sprintf("%s.1.%d", headKey(i), 1_700_000_000_000_000_000+i)
		if err := os.WriteFile(filepath.Join(dir, "data2", name), file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func headKey(i int) cache.Key { return cache.Key(fmt.Sprintf("h-%032x", i)) }

// indexed is a handler of logs that closes done when the cache knows all of its entries.
type indexed struct {
	slog.Handler
	done func()
}

func (h indexed) Enabled(context.Context, slog.Level) bool { return true }
func (h indexed) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "cache indexed" {
		h.done()
	}
	return nil
}

// openIndexed opens a cache that is large enough, and waits until it knows all of its entries.
func openIndexed(t testing.TB, dir string) *cache.Cache {
	t.Helper()
	done := make(chan struct{})
	log := slog.New(indexed{slog.DiscardHandler, sync.OnceFunc(func() { close(done) })})
	c := open(t, dir, cache.Options{MaxBytes: 1 << 40, Logger: log})
	<-done
	return c
}

// heap gives how many bytes are in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what pools had
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// BenchmarkIdleMemory measures the memory of an entry that is not held, of 100,000.
func BenchmarkIdleMemory(b *testing.B) {
	const n = 100_000
	dir := b.TempDir()
	makeHeads(b, dir, n)
	for b.Loop() {
		before := heap()
		c := openIndexed(b, dir)
		b.ReportMetric(float64(heap()-before)/n, "B/entry")
		if got := c.Stats().Whole; got != n {
			b.Fatalf("%d entries, want %d", got, n)
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAcquireIdle takes entries that are not held and gives them back, of 10,000: the first time after a start, or
// again.
func BenchmarkAcquireIdle(b *testing.B) {
	const n = 10_000
	dir := b.TempDir()
	makeHeads(b, dir, n)
	keys := make([]cache.Key, n)
	for i := range keys {
		keys[i] = headKey(i * 7919 % n)
	}
	c := openIndexed(b, dir)
	fill := noFill(b)
	for _, name := range []string{"first", "again"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				e, err := c.Acquire(keys[i%n], cache.Request{Fill: fill})
				if err != nil {
					b.Fatal(err)
				}
				e.Release()
			}
		})
	}
}

// TestIdleMemory: entries that are not held take little memory, those that were found as well as those that were used.
func TestIdleMemory(t *testing.T) {
	const n, limit = 10_000, 150
	dir := t.TempDir()
	makeHeads(t, dir, n)
	before := heap()
	c := openIndexed(t, dir)
	found := heap()
	for i := range n {
		e := acquire(t, c, headKey(i), noFill(t))
		if i%2 == 0 {
			if _, err := e.ReadAt(t.Context(), make([]byte, 1), 0); err != nil {
				t.Fatal(err)
			}
		}
		e.Release()
	}
	for what, got := range map[string]int64{"found": found - before, "used": heap() - before} {
		if got /= n; got > limit {
			t.Errorf("%s: got %d bytes an entry, want at most %d", what, got, limit)
		}
	}
	if got := c.Stats().Whole; got != n {
		t.Errorf("%d entries, want %d", got, n)
	}
}

// TestIdleMemoryIsGivenBack: where most entries go, so does the memory that they took.
func TestIdleMemoryIsGivenBack(t *testing.T) {
	const n, left, limit = 20_000, 100, 200_000 // bytes
	dir := t.TempDir()
	makeHeads(t, dir, n)
	before := heap()
	c := openIndexed(t, dir)
	for i := left; i < n; i++ {
		c.Drop(headKey(i))
	}
	if got := heap() - before; got > limit {
		t.Errorf("%d bytes for %d entries, want at most %d", got, left, limit)
	}
	for i := range n {
		if got := c.Has(headKey(i)); got != (i < left) {
			t.Fatalf("has %d: %t", i, got)
		}
	}
	for i := range n { // and again
		put(t, c, keyOf(i), nil)
		if i == 3000 {
			break
		}
	}
	if got := c.Stats().Whole; got != left+3001 {
		t.Errorf("%d entries, want %d", got, left+3001)
	}
}

// TestIdleOrderOutlivesMany: entries that are left of many go in the order of their use.
func TestIdleOrderOutlivesMany(t *testing.T) {
	const n, every = 2000, 20
	a := cache.NewAccounts(n, 0)
	all, want := make([]cache.Key, n), "evict"
	for i := range all {
		all[i] = longKey("k", 36) + cache.Key(fmt.Sprintf("%04d", i*7919%n)) // does not fit into a record
		if i%2 == 0 {
			all[i] = all[i][4:] // fits
		}
	}
	a.Find(all...)
	a.Rank(all...)
	for i, key := range all {
		if i%every == 0 {
			want += " " + string(key)
			continue
		}
		if got := a.Acquire(key, 0) + a.Release(key) + a.Drop(key) + a.Removed(key, true); got != "wholeremove" {
			t.Fatalf("%s: %q", key, got)
		}
	}
	a.Acquire("new", 0)
	if got := a.Grow("new", n); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestIdleKeepsItsState: what was checked of an entry is still known when it is acquired again, whatever its key is.
func TestIdleKeepsItsState(t *testing.T) {
	const blockSize, size = 64 << 10, 3 * 64 << 10
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	keys := []cache.Key{headKey(1), longKey("k", 39), longKey("k", 40), longKey("l", 128)}
	for i, key := range keys {
		put(t, c, key, payload(i, size))
	}
	c = reopen(t, c, dir, cache.Options{})
	for i, key := range keys {
		for checked := 0; checked <= size; checked += blockSize {
			e := acquire(t, c, key, noFill(t))
			if got := stored(t, e, 0, int64(checked)); len(got) != checked {
				t.Errorf("%s: %d bytes were checked, got %d", key, checked, len(got))
			}
			if got := stored(t, e, int64(checked), 1); got != nil {
				t.Errorf("%s: after %d bytes the next is told of too", key, checked)
			}
			p := make([]byte, min(blockSize, size-checked))
			if _, err := e.ReadAt(t.Context(), p, int64(checked)); err != nil || !bytes.Equal(p, payload(i, size)[checked:checked+len(p)]) {
				t.Errorf("%s at %d: error %v, or other bytes", key, checked, err)
			}
			e.Release()
		}
	}
}

// TestUsedBeforeRanked: what was used since the start goes after all that was not, whenever that was used before.
func TestUsedBeforeRanked(t *testing.T) {
	a := cache.NewAccounts(4*block, 0)
	a.Find("d", "b", "a", "c")
	if got := a.Acquire("b", 0) + a.Release("b"); got != "whole" {
		t.Fatal(got)
	}
	a.Rank("a", "b", "c", "d")
	a.Acquire("new", 0)
	if got := a.Grow("new", 4*block); got != "evict a c d b" {
		t.Error(got)
	}
}

func longKey(letter string, n int) cache.Key { return cache.Key(strings.Repeat(letter, n)) }

// TestIdleOrder has entries with keys of many lengths come, be used, pinned and dropped, and checks which one goes next.
func TestIdleOrder(t *testing.T) {
	const most = 300 // more than a slab
	rng := newRand(1)
	a := cache.NewAccounts(most, 0)
	var order []cache.Key // least recently used first
	want := func(what string, key cache.Key, got, want string) {
		if got != want {
			t.Fatalf("%s %s: got %q, want %q", what, key, got, want)
		}
	}
	for range 5000 {
		n := rng.IntN(2 * most)
		key := longKey("k", 1+n%45) + cache.Key(strconv.Itoa(n))
		at := slices.Index(order, key)
		what := rng.IntN(10)
		switch {
		case at < 0:
			want("acquire", key, a.Acquire(key, 0), "new")
			if len(order) == most {
				want("grow", key, a.Grow(key, 1), "evict "+string(order[0]))
				want("removed", order[0], a.Removed(order[0], true), "")
				order = order[1:]
			}
			want("grow", key, a.Grow(key, 1), "taken 1")
			want("end", key, a.End(key, nil, false)+a.Release(key), "")
			order = append(order, key)
		case what == 0:
			want("drop", key, a.Drop(key)+a.Removed(key, true), "remove")
			order = slices.Delete(order, at, at+1)
		case what < 4:
			want("pin", key, strconv.FormatBool(a.Pin(key))+a.Unpin(key), "true")
		default:
			want("acquire", key, a.Acquire(key, 0)+a.Release(key), "whole")
			order = append(slices.Delete(order, at, at+1), key)
		}
		if got := a.Stats(); got.Whole != len(order) || got.Held != 0 || got.Bytes != int64(len(order)) {
			t.Fatalf("%+v, want %d entries", got, len(order))
		}
	}
}
