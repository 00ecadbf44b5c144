package cache_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
)

// chunk is the unit in which memory is taken.
const chunk = 64 << 10

// model is what a cache should do, in a few lines: entries in order of last use, some of them held.
type model struct {
	max   int64
	order []cache.Key // those not held, least recently used first
	held  map[cache.Key]int
	cost  map[cache.Key]int64 // what is whole on disk
	// memory is what is whole in memory, of which there is maxMemory.
	memory    map[cache.Key]int64
	maxMemory int64
}

// inMemory gives what all entries in memory take.
func (m *model) inMemory() (n int64) {
	for _, cost := range m.memory {
		n += cost
	}
	return n
}

// toMemory puts an entry in memory that does not go on disk; false if it does not go there either.
func (m *model) toMemory(key cache.Key, size int) bool {
	cost := int64((size + chunk - 1) / chunk * chunk)
	if m.inMemory()+cost > m.maxMemory {
		return false
	}
	m.memory[key] = cost
	return true
}

// used gives what all entries cost.
func (m *model) used() (n int64) {
	for _, cost := range m.cost {
		n += cost
	}
	return n
}

// acquire gives whether the entry is there afterwards.
func (m *model) acquire(key cache.Key, size int) bool {
	if _, ok := m.cost[key]; !ok && m.memory[key] == 0 && !m.onDisk(key, size) && !m.toMemory(key, size) {
		return false
	}
	m.order = slices.DeleteFunc(m.order, func(k cache.Key) bool { return k == key })
	m.held[key]++
	return true
}

// onDisk puts an entry on disk; false if there is no space to make.
func (m *model) onDisk(key cache.Key, size int) bool {
	cost := costOf(int64(size))
	if cost > m.max {
		return false
	}
	for m.used()+cost > m.max {
		if len(m.order) == 0 {
			return false
		}
		delete(m.cost, m.order[0])
		m.order = m.order[1:]
	}
	m.cost[key] = cost
	return true
}

// release gives one hold up.
func (m *model) release(key cache.Key) {
	if m.held[key]--; m.held[key] == 0 {
		delete(m.held, key)
		if m.memory[key] > 0 {
			delete(m.memory, key)
			return
		}
		m.order = append(m.order, key)
	}
}

func TestAgainstAModel(t *testing.T) { bothForms(t, testAgainstAModel) }

func testAgainstAModel(t *testing.T) {
	for seed := range 40 {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) { runAgainstModel(t, dir, seed) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// runAgainstModel does random things to a cache and a model and compares them after each.
func runAgainstModel(t *testing.T, dir string, seed int) {
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	m := &model{
		max: 20 * block, maxMemory: int64(seed%3) * chunk,
		held: make(map[cache.Key]int), cost: make(map[cache.Key]int64), memory: make(map[cache.Key]int64),
	}
	o := cache.Options{MaxBytes: m.max, MemoryBytes: m.maxMemory}
	c, err := cache.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	type hold struct {
		e *cache.Entry
		i int
	}
	var holds []hold
	release := func(n int) {
		holds[n].e.Release()
		m.release(keyOf(holds[n].i))
		holds = slices.Delete(holds, n, n+1)
	}
	size := func(i int) int { return (i*7919 + seed*31) % (9 * block) }
	for range 150 {
		switch op := rng.IntN(20); {
		case op < 9 && len(holds) < 6:
			i := rng.IntN(16)
			e := acquireFor(t, c, keyOf(i), rng.Int64N(30*block), fillWith(payload(i, size(i)), max(1, size(i))))
			synctest.Wait()
			want := m.acquire(keyOf(i), size(i))
			if got := e.Complete(); got != want || (!want && !errors.Is(e.Err(), cache.ErrFull)) {
				t.Fatalf("%s of %d: got %t, %v; want %t", keyOf(i), size(i), got, e.Err(), want)
			}
			if !want {
				e.Release()
				break
			}
			mustHave(t, e, payload(i, size(i)))
			holds = append(holds, hold{e, i})
		case op < 19 && len(holds) > 0:
			release(rng.IntN(len(holds)))
		case op == 19:
			for len(holds) > 0 {
				release(0)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second) // the bubble's clock stands still otherwise, and times of use would repeat
			if c, err = cache.Open(dir, o); err != nil {
				t.Fatal(err)
			}
		}
		compareWithModel(t, c, m, dir)
		if t.Failed() {
			break
		}
	}
	for len(holds) > 0 {
		release(0)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// compareWithModel compares what a cache has, says and takes on disk with the model.
func compareWithModel(t *testing.T, c *cache.Cache, m *model, dir string) {
	t.Helper()
	for i := range 16 {
		_, want := m.cost[keyOf(i)]
		want = want || m.memory[keyOf(i)] > 0
		if got := c.Has(keyOf(i)); got != want {
			t.Errorf("%s: got %t, want %t", keyOf(i), got, want)
		}
	}
	st := c.Stats()
	if st.Bytes != m.used() || st.Whole != len(m.cost)+len(m.memory) || st.Held != len(m.held) || st.Growing != 0 ||
		st.Memory != m.inMemory() || st.Claimed != 0 {
		t.Errorf("got %+v; want %d bytes, %d whole and %d in memory, %d held", st, m.used(), len(m.cost), len(m.memory), len(m.held))
	}
	wantPairs(t, dir)
	if got := diskBytes(t, dir); got != m.used() || got > m.max {
		t.Errorf("%d bytes on disk, want %d, at most %d", got, m.used(), m.max)
	}
}

// diskBytes gives what the files of a cache take, each rounded up to a block.
func diskBytes(t testing.TB, dir string) (n int64) {
	t.Helper()
	seen := make(map[uint64]bool) // a file that is renamed while we look may show up twice
	for _, name := range allFiles(t, dir) {
		info, err := os.Lstat(filepath.Join(dir, "data2", name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && !seen[st.Ino] {
			seen[st.Ino] = true
			n += (info.Size() + block - 1) / block * block
		}
	}
	return n
}

// TestBudgetHoldsAtEveryMoment has many goroutines fill, read, give up and fail, while one looks at the disk. A look
// counts if no bytes were given back during it: then what it saw, at one time or another, was all there at its end.
func TestBudgetHoldsAtEveryMoment(t *testing.T) { bothForms(t, testBudgetHoldsAtEveryMoment) }

func testBudgetHoldsAtEveryMoment(t *testing.T) {
	const (
		budget = 100 * block
		looks  = 50
	)
	dir := t.TempDir()
	c := open(t, dir, cache.Options{MaxBytes: budget, Linger: time.Millisecond})
	var stop atomic.Bool
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(worker), 7))
			for n := 0; n < 300 || !stop.Load(); n++ {
				useAtRandom(t, c, rng)
			}
		})
	}
	deadline := time.Now().Add(20 * time.Second)
	for good := 0; good < looks && !t.Failed(); {
		before := c.Stats()
		got := diskBytes(t, dir)
		after := c.Stats()
		if before.Bytes > budget || after.Bytes > budget {
			t.Errorf("%d, %d bytes counted, budget %d", before.Bytes, after.Bytes, budget)
		}
		if before.FreedBytes != after.FreedBytes {
			if time.Now().After(deadline) {
				t.Errorf("only %d looks of %d in time", good, looks)
				break
			}
			runtime.Gosched()
			continue
		}
		good++
		if got > budget {
			t.Errorf("%d bytes on disk, budget %d", got, budget)
		}
	}
	stop.Store(true)
	wg.Wait()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	st := c.Stats()
	if got := diskBytes(t, dir); got != st.Bytes || st.Held != 0 || st.Growing != 0 {
		t.Errorf("at the end %d bytes on disk, %+v", got, st)
	}
	t.Logf("%+v", st)
}

// useAtRandom acquires an entry, reads some of it and releases it, perhaps before it is whole.
func useAtRandom(t *testing.T, c *cache.Cache, rng *rand.Rand) {
	i := rng.IntN(60)
	size := (i * 7919) % (12 * block)
	want := payload(i, size)
	step, fail, announce := 1+rng.IntN(3*block), rng.IntN(10) == 0, rng.IntN(2) == 0
	fill := func(ctx context.Context, w *cache.Writer) error {
		if announce {
			if err := w.Announce(int64(size)); err != nil {
				return err
			}
		}
		if err := fillWith(want, step)(ctx, w); err != nil {
			return err
		}
		if fail {
			return errFill
		}
		return nil
	}
	e, err := c.Acquire(keyOf(i), cache.Request{Fill: fill, Expect: rng.Int64N(20 * block), Apart: apart})
	if err != nil {
		t.Error(err)
		return
	}
	defer e.Release()
	for range rng.IntN(4) {
		off := rng.IntN(size + 1)
		p := make([]byte, rng.IntN(size-off+1))
		n, err := e.ReadAt(t.Context(), p, int64(off))
		switch {
		case errors.Is(err, cache.ErrFull), errors.Is(err, errFill):
			return
		case err != nil:
			t.Errorf("%s: read %d at %d: %v", keyOf(i), len(p), off, err)
			return
		case !slices.Equal(p[:n], want[off:off+n]) || n != len(p):
			t.Errorf("%s: read %d at %d: %d wrong bytes", keyOf(i), len(p), off, n)
			return
		}
	}
}
