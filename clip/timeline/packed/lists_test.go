package packed_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/timeline/packed"
)

// hour gives an hour of fragments of 2 s, with room behind them; those of every tenth hour have numbers that are not digits.
func hour(n int) []archive.Fragment {
	all := make([]archive.Fragment, 1800, 4000)
	for i := range all {
		at := time.Unix(int64(n)*3600+int64(i)*2, 0).UTC()
		all[i] = archive.Fragment{ID: archive.FragmentID(fmt.Sprintf("91343852333181%033d", n*1800+i)), Producer: at, Server: at.Add(2250 * time.Millisecond),
			Length: 1966 * time.Millisecond, Size: int64(100_000 + i)}
		if n%10 == 9 {
			all[i].ID = archive.FragmentID(fmt.Sprintf("x%d", i))
		}
	}
	return all
}

// TestLists: lists come back as they were put, whatever was used since.
func TestLists(t *testing.T) {
	t.Parallel()
	lists, random := packed.NewLists[int](5*1800), rand.New(rand.NewPCG(1, 2))
	hours, there := make([][]archive.Fragment, 30), make(map[int]bool)
	for i := range hours {
		hours[i] = hour(i)
	}
	hours[7] = nil // a list of none is none
	for step := range 400 {
		i := random.IntN(len(hours))
		want := 0
		if there[i] {
			want = len(hours[i])
			if got := lists.Get(i); !slices.Equal(got.Fragments(), hours[i]) || got.Len() != want || want > 0 && !got.Loose() {
				t.Fatalf("step %d: list %d has %d fragments, not those %d that were put", step, i, got.Len(), want)
			}
		} else if got := lists.Get(i); got.Len() != 0 {
			t.Fatalf("step %d: list %d is there with %d fragments", step, i, got.Len())
		}
		switch random.IntN(4) {
		case 0:
			if got := lists.Remove(i); got != want {
				t.Fatalf("step %d: %d fragments were removed, want %d", step, got, want)
			}
			there[i] = false
		case 1, 2:
			lists.Put(i, packed.Of(hours[i]))
			there[i] = true
		}
	}
}

// TestListsWeigh: a hundred hours of fragments of 2 s take less than half of what they take unpacked.
func TestListsWeigh(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return int64(s.HeapAlloc)
	}
	before := heap()
	lists := packed.NewLists[int](50_000)
	for i := range 110 {
		if i%10 != 9 {
			lists.Put(i, packed.Of(hour(i)))
		}
	}
	if n := heap() - before; n > 17<<20 {
		t.Errorf("they take %d bytes, want at most 17 MiB", n)
	}
	runtime.KeepAlive(lists)
}
