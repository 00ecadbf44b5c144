package mount_test

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"

	"clipfs/cmd/clipfs/internal/mount"
)

// TestLimitFollowsWhatIsInUse: the limit on memory is never below what is in use, and comes down again.
func TestLimitFollowsWhatIsInUse(t *testing.T) {
	t.Setenv("GOGC", "100")
	t.Cleanup(func() { debug.SetMemoryLimit(math.MaxInt64) })
	mount.CollectSooner()
	const least, much = 80 << 20, 200 << 20
	collectUntil(t, "the limit of a small process", func(limit int64) bool { return limit == least })
	inUse := make([]byte, much)
	collectUntil(t, "a limit beyond what is in use", func(limit int64) bool { return limit > much+much/5 && limit < 2*much })
	runtime.KeepAlive(inUse)
	collectUntil(t, "the limit of a small process again", func(limit int64) bool { return limit == least })
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
