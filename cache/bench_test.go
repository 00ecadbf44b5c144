package cache_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"clipfs/cache"
)

// BenchmarkReadAtHit reads random ranges of a whole entry from the page cache of the kernel.
func BenchmarkReadAtHit(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"4KiB", 4 << 10}, {"128KiB", 128 << 10}, {"1MiB", 1 << 20}} {
		b.Run(size.name, func(b *testing.B) {
			const total = 32 << 20
			c := open(b, b.TempDir(), cache.Options{})
			put(b, c, "k", payload(1, total))
			e := acquire(b, c, "k", noFill(b))
			defer e.Release()
			ctx := context.Background()
			b.SetBytes(int64(size.n))
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				p := make([]byte, size.n)
				rng := rand.New(rand.NewPCG(1, 2))
				for pb.Next() {
					if _, err := e.ReadAt(ctx, p, rng.Int64N(total-int64(size.n))); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkReadAtGrowing reads what is there of an entry whose fill still runs.
func BenchmarkReadAtGrowing(b *testing.B) {
	c := open(b, b.TempDir(), cache.Options{})
	s := newStepper()
	e := acquire(b, c, "k", s.fill)
	if err := s.append(payload(1, 1<<20)); err != nil {
		b.Fatal(err)
	}
	ctx, p := context.Background(), make([]byte, 4<<10)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.ReadAt(ctx, p, 1000); err != nil {
			b.Fatal(err)
		}
	}
	s.end(errDone)
	e.Release()
}

// BenchmarkAcquireRelease takes a whole entry and gives it back: nobody else holds it, so its file is opened and closed,
// or somebody does.
func BenchmarkAcquireRelease(b *testing.B) {
	for _, held := range []bool{false, true} {
		name := "idle"
		if held {
			name = "held"
		}
		b.Run(name, func(b *testing.B) {
			c := open(b, b.TempDir(), cache.Options{})
			put(b, c, "k", payload(1, 4096))
			if held {
				defer acquire(b, c, "k", noFill(b)).Release()
			}
			fill := noFill(b)
			b.ReportAllocs()
			for b.Loop() {
				e, err := c.Acquire("k", cache.Request{Fill: fill})
				if err != nil {
					b.Fatal(err)
				}
				e.Release()
			}
		})
	}
}

// BenchmarkFill writes an entry of 16 MiB in pieces of 64 KiB while eight readers follow it.
func BenchmarkFill(b *testing.B) {
	want := payload(1, 16<<20)
	c := open(b, b.TempDir(), cache.Options{MaxBytes: 64 << 20})
	b.SetBytes(int64(len(want)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e, err := c.Acquire(keyOf(i), cache.Request{Fill: fillWith(want, 64<<10)})
		if err != nil {
			b.Fatal(err)
		}
		done := make(chan error, 8)
		for range cap(done) {
			go func() {
				p := make([]byte, 128<<10)
				var err error
				for off := 0; off < len(want) && err == nil; off += len(p) {
					_, err = e.ReadAt(context.Background(), p, int64(off))
				}
				done <- err
			}()
		}
		for range cap(done) {
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		}
		e.Release()
	}
}

// BenchmarkOpen opens a cache, with 10,000 entries and without any: until Open returns, until the first of the entries is
// had, and until all are in their order.
func BenchmarkOpen(b *testing.B) {
	full, empty := b.TempDir(), b.TempDir()
	makeMany(b, full, 10_000)
	tests := []struct {
		name, dir string
		until     func(*cache.Cache)
	}{
		{"empty", empty, func(*cache.Cache) {}},
		{"returns", full, func(*cache.Cache) {}},
		{"first", full, func(c *cache.Cache) { acquire(b, c, "k5000", noFill(b)).Release() }},
		{"settled", full, cache.Settle},
	}
	for _, test := range tests {
		b.Run(test.name, func(b *testing.B) {
			for b.Loop() {
				c, err := cache.Open(test.dir, cache.Options{})
				if err != nil {
					b.Fatal(err)
				}
				test.until(c)
				b.StopTimer()
				if err := c.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// BenchmarkReadAtFirst reads a whole entry for the first time after a start, in pieces, so that each block is checked.
func BenchmarkReadAtFirst(b *testing.B) {
	const total = 32 << 20
	dir := b.TempDir()
	c := open(b, dir, cache.Options{})
	put(b, c, "k", payload(1, total))
	if err := c.Close(); err != nil {
		b.Fatal(err)
	}
	p := make([]byte, 128<<10)
	b.SetBytes(total)
	for b.Loop() {
		c, err := cache.Open(dir, cache.Options{})
		if err != nil {
			b.Fatal(err)
		}
		e := acquire(b, c, "k", noFill(b))
		for off := int64(0); off < total; off += int64(len(p)) {
			if _, err := e.ReadAt(context.Background(), p, off); err != nil {
				b.Fatal(err)
			}
		}
		e.Release()
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFillPair fills pairs, one after the other: each goes for a later one before long.
func BenchmarkFillPair(b *testing.B) {
	const size = 1 << 20
	c := open(b, b.TempDir(), cache.Options{MaxBytes: 64 * size})
	want := payload(1, size)
	b.SetBytes(size)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		e := acquirePair(b, c, keyOf(i), fillWith(want, 64<<10))
		<-e.Done()
		e.Release()
		i++
	}
}
