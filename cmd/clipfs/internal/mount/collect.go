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
	// leastLimit is what all of Go's memory may be before the heap is collected sooner than that. moreThanLive is what it may be at least, beyond what of the
	// heap is in use and a fifth of that: a limit below what is in use would have half of the CPU time go into collecting.
	leastLimit   = 52 << 20
	moreThanLive = 8 << 20
)

// collectSooner has the heap of this process be collected sooner than Go does by itself, unless its user has said when (GOGC, GOMEMLIMIT; package runtime).
func collectSooner() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(collectAt)
	}
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(leastLimit)
		eachCollection(leastLimit)
	}
}

// eachCollection has the limit follow what each collection has found in use. limit is the present one. It is set again where it is to be another by a tenth: that
// stops the process for a moment.
func eachCollection(limit int64) {
	unreachable := new([4]*byte) // the next collection finds that nothing has it
	runtime.AddCleanup(unreachable, func(limit int64) {
		if next := limitNow(); next > limit || next < limit-limit/10 {
			debug.SetMemoryLimit(next)
			limit = next
		}
		eachCollection(limit)
	}, limit)
}

// limitNow gives the limit for what is in use: what the last collection has found in use of the heap, and what no collection frees. The limit counts that too: it is
// stacks, and the space between objects where few are left. It is what is mapped and not given back, less objects and free space.
func limitNow() int64 {
	found := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
	} // package runtime/metrics
	metrics.Read(found)
	value := func(i int) int64 { return int64(found[i].Value.Uint64()) }
	live := value(0)
	inUse := live + value(1) - value(2) - value(3) - value(4)
	return max(leastLimit, live+live/5+moreThanLive, inUse+inUse/5)
}
