package timeline_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/timeline"
)

// fragmentsOf gives an hour of fragments of 2 s; those of every tenth hour have numbers that are not digits.
func fragmentsOf(hour int) []archive.Fragment {
	all := make([]archive.Fragment, 1800, 4000)
	for i := range all {
		at := time.Unix(int64(hour)*3600+int64(i)*2, 0).UTC()
		all[i] = archive.Fragment{ID: archive.FragmentID(fmt.Sprintf("91343852333181%033d", hour*1800+i)), Producer: at, Server: at.Add(2250 * time.Millisecond),
			Length: 1966 * time.Millisecond, Size: int64(100_000 + i)}
		if hour%10 == 9 {
			all[i].ID = archive.FragmentID(fmt.Sprintf("x%d", i))
		}
	}
	return all
}

// TestHoursInMemory: hours come back as they were put whatever was used since, and most of them are packed.
func TestHoursInMemory(t *testing.T) {
	t.Parallel()
	h, random := timeline.NewHours(), rand.New(rand.NewPCG(1, 2))
	hours := make([][]archive.Fragment, 150)
	for i := range hours {
		hours[i] = fragmentsOf(i)
	}
	for step := range 500 {
		hour := random.IntN(len(hours))
		switch got, ok := h.Get(hour); {
		case ok && !slices.Equal(got, hours[hour]):
			t.Fatalf("step %d: hour %d is not what was put", step, hour)
		case ok && random.IntN(10) == 0:
			h.Remove(hour)
		case !ok:
			h.Put(hour, hours[hour])
		}
		held, unpacked, heldInTruth, unpackedInTruth := h.Counts()
		// An hour that cannot be packed is not counted once it is among the oldest: fifteen at most.
		if held != heldInTruth || held > timeline.MaxHeld || unpacked > timeline.MaxLoose || unpackedInTruth < unpacked || unpackedInTruth > unpacked+15*1800 {
			t.Fatalf("step %d: %d held, %d in truth; %d not packed, %d in truth", step, held, heldInTruth, unpacked, unpackedInTruth)
		}
	}
}

// TestHoursInMemoryWeigh: a hundred hours of fragments of 2 s take less than half of what they take unpacked.
func TestHoursInMemoryWeigh(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc)
	}
	before := heap()
	h := timeline.NewHours()
	for hour := range 110 {
		if hour%10 != 9 {
			h.Put(hour, fragmentsOf(hour))
		}
	}
	if n := heap() - before; n > 17<<20 {
		t.Errorf("they take %d bytes, want at most 17 MiB", n)
	}
	runtime.KeepAlive(h)
}
