package mount

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// collectAt is how much the heap may grow before it is collected, in percent of what is in use; Go's own is 100. Reading clips makes next to no garbage; listing
	// days of many streams makes much for a moment: of twelve, four at once, with 59 MiB of memory that is no file's at most and 6.6 s of CPU time, where Go's own
	// bounds take 112 MiB and 4.4 s.
	collectAt = 50
	// leastHeap is how large the heap may be before it is collected at all, and collectFirst what that is in percent of Go's own least heap, 4 MiB: a mount that
	// has just started has little in use, and would collect that at each of its first reads, whose buffers are half a MiB each.
	leastHeap    = 12 << 20
	collectFirst = 100 * leastHeap / (4 << 20)
	// leastLimit is what all of Go's memory may be before the heap is collected sooner than that. moreThanLive is what it may be at least, beyond what of the
	// heap is in use and a fifth of that: a limit below what is in use would have half of the CPU time go into collecting.
	leastLimit   = 52 << 20
	moreThanLive = 8 << 20
)

// collectSooner has the heap of this process be collected sooner than Go does by itself, unless its user has said when (GOGC, GOMEMLIMIT; package runtime).
func collectSooner() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(collectFirst)
		percent := int64(collectFirst)
		eachCollection(func() {
			if next := percentFor(valueOf(liveHeap)); differs(next, percent) {
				debug.SetGCPercent(int(next))
				percent = next
			}
		})
	}
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(leastLimit)
		limit := int64(leastLimit)
		eachCollection(func() {
			if next := limitNow(); differs(next, limit) {
				debug.SetMemoryLimit(next)
				limit = next
			}
		})
	}
}

// differs reports whether a bound is to be set again: it is to be larger, or smaller by a tenth. Setting it stops the process for a moment.
func differs(next, present int64) bool { return next > present || next < present-present/10 }

// eachCollection has something done after each collection, in a goroutine.
func eachCollection(follow func()) {
	unreachable := new([4]*byte) // the next collection finds that nothing has it
	runtime.AddCleanup(unreachable, func(follow func()) {
		follow()
		eachCollection(follow)
	}, follow)
}

// liveHeap is what the last collection has found in use of the heap (package runtime/metrics).
const liveHeap = "/gc/heap/live:bytes"

func valueOf(metric string) int64 {
	found := []metrics.Sample{{Name: metric}}
	metrics.Read(found)
	return int64(found[0].Value.Uint64())
}

// percentFor gives how much the heap may grow, of which so much is in use: to leastHeap, or by collectAt.
func percentFor(live int64) int64 {
	return max(collectAt, min(collectFirst, 100*(leastHeap-live)/max(live, 1)))
}

// limitNow gives the limit for what is in use: what the last collection has found in use of the heap, and what no collection frees. The limit counts that too: it is
// stacks, and the space between objects where few are left. It is what is mapped and not given back, less objects and free space.
func limitNow() int64 {
	found := []metrics.Sample{
		{Name: liveHeap}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
	} // package runtime/metrics
	metrics.Read(found)
	value := func(i int) int64 { return int64(found[i].Value.Uint64()) }
	live := value(0)
	inUse := live + value(1) - value(2) - value(3) - value(4)
	return max(leastLimit, live+live/5+moreThanLive, inUse+inUse/5)
}
