package cache_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
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
