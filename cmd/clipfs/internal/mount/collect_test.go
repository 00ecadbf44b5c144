package mount_test

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"testing"

	"clipfs/cmd/clipfs/internal/mount"
)

// least is the limit of a small process.
const least = 52 << 20

// TestLimitFollowsWhatIsInUse: the limit on memory is never below what is in use, and comes down again.
func TestLimitFollowsWhatIsInUse(t *testing.T) {
	t.Setenv("GOGC", "100")
	t.Cleanup(func() { debug.SetMemoryLimit(math.MaxInt64) })
	mount.CollectSooner()
	const much = 200 << 20
	collectUntil(t, "the limit of a small process", func(limit int64) bool { return limit == least })
	inUse := make([]byte, much)
	collectUntil(t, "a limit beyond what is in use", func(limit int64) bool { return limit > much+much/5 && limit < 2*much })
	runtime.KeepAlive(inUse)
	collectUntil(t, "the limit of a small process again", func(limit int64) bool { return limit == least })
}

// TestLimitFollowsWhatNoCollectionFrees: the limit is larger than stacks, and than the space between objects where few are left, as after many names were looked
// at once. Below that the heap would be collected without end.
func TestLimitFollowsWhatNoCollectionFrees(t *testing.T) {
	t.Setenv("GOGC", "100")
	t.Cleanup(func() { debug.SetMemoryLimit(math.MaxInt64) })
	mount.CollectSooner()
	const much = 200 << 20
	few := fewOf(much)
	collectUntil(t, "a limit beyond the pages that few objects keep", func(limit int64) bool { return limit > much && limit < 2*much })
	runtime.KeepAlive(few)
	collectUntil(t, "the limit of a small process", func(limit int64) bool { return limit == least })

	end := make(chan struct{})
	var waiting sync.WaitGroup
	for range much / stack {
		waiting.Go(func() { wait([stack / 2]byte{}, end) })
	}
	collectUntil(t, "a limit beyond the stacks", func(limit int64) bool { return limit > much && limit < 2*much })
	close(end)
	waiting.Wait()
	collectUntil(t, "the limit of a small process again", func(limit int64) bool { return limit == least })
}

// TestSmallHeapIsNotCollected: a process with little in use makes some garbage before that is collected, and one with more is held closer.
func TestSmallHeapIsNotCollected(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "off")
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	percent := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	until := func(what string, is func(percent uint64) bool) {
		t.Helper()
		for range 1000 {
			runtime.GC()
			if metrics.Read(percent); is(percent[0].Value.Uint64()) {
				return
			}
		}
		t.Errorf("no %s: %d", what, percent[0].Value.Uint64())
	}
	mount.CollectSooner()
	until("room for garbage", func(percent uint64) bool { return percent > 100 })
	inUse := make([]byte, 100<<20)
	until("bound of half of what is in use", func(percent uint64) bool { return percent == 50 })
	runtime.KeepAlive(inUse)
	until("room for garbage again", func(percent uint64) bool { return percent > 100 })
}

// fewOf gives an eighth of the objects of so many bytes, which lie among the others.
func fewOf(much int) [][]byte {
	all := make([][]byte, much/1000)
	for i := range all {
		all[i] = make([]byte, 1000)
	}
	few := make([][]byte, 0, len(all)/8)
	for i := 0; i < len(all); i += 8 {
		few = append(few, all[i])
	}
	return few
}

// stack is how much a goroutine has that waits in wait.
const stack = 32 << 10

// wait waits with much on its stack.
//
//go:noinline
func wait(much [stack / 2]byte, end <-chan struct{}) byte {
	<-end
	return much[len(end)]
}

// collectUntil collects until the limit is as it should be. It follows after a collection, in a goroutine.
func collectUntil(t *testing.T, what string, is func(limit int64) bool) {
	t.Helper()
	for range 1000 {
		runtime.GC()
		if is(debug.SetMemoryLimit(-1)) {
			return
		}
	}
	t.Errorf("no %s: %d", what, debug.SetMemoryLimit(-1))
}
