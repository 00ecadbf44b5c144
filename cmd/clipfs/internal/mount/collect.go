package mount

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// collectAt is how much the heap may grow before it is collected, in percent of what is in use; Go's own is 100. Reading clips makes next to no garbage; listing
	// days of many streams makes much for a moment. There these bounds take a third off the most that the process has, for a tenth to a sixth more CPU time.
	collectAt = 50
	// leastLimit is what all of Go's memory may be before the heap is collected sooner than that. moreThanLive is what it may be at least, beyond what is in use
	// and a fifth of that: a limit below what is in use would have half of the CPU time go into collecting.
	leastLimit   = 80 << 20
	moreThanLive = 12 << 20
	// liveHeap is what the last collection has found in use (package runtime/metrics).
	liveHeap = "/gc/heap/live:bytes"
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
		live := []metrics.Sample{{Name: liveHeap}}
		metrics.Read(live)
		if next := limitOf(live[0].Value.Uint64()); next > limit || next < limit-limit/10 {
			debug.SetMemoryLimit(next)
			limit = next
		}
		eachCollection(limit)
	}, limit)
}

// limitOf gives the limit where so many bytes are in use.
func limitOf(live uint64) int64 { return max(leastLimit, int64(live+live/5)+moreThanLive) }
