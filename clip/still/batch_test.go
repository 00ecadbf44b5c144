package still_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/still"
)

// seconds gives instants so many seconds after the base, whose pictures may be 200 ms older.
func seconds(offsets ...float64) (all []still.Instant) {
	for _, s := range offsets {
		at := memory.Base().Add(time.Duration(s * float64(time.Second)))
		all = append(all, still.Instant{At: at, Earliest: at.Add(-199 * time.Millisecond)})
	}
	return all
}

// every gives count instants, some time apart.
func every(apart float64, count int) (all []still.Instant) {
	for i := range count {
		all = append(all, seconds(apart*float64(i))...)
	}
	return all
}

func TestBatches(t *testing.T) {
	type call struct {
		Start, Interval float64
		Count, Wanted   int
	}
	whole := seconds(0, 0.1)
	whole[1].Earliest = whole[1].At // which begins a fragment
	for _, tc := range []struct {
		name     string
		instants []still.Instant
		most     int
		lead     bool
		want     []call
	}{
		{"one", seconds(3), 25, false, []call{{3, 0.2, 1, 1}}},
		{"one with a lead", seconds(3), 25, true, []call{{2.8, 0.2, 2, 1}}},
		{"25 evenly", every(10, 25), 25, false, []call{{0, 10, 25, 25}}},
		{"25 evenly with a lead", every(10, 25), 25, true, []call{{-10, 10, 25, 24}, {239.8, 0.2, 2, 1}}},
		{"30 evenly", every(2, 30), 25, false, []call{{0, 2, 25, 25}, {50, 2, 5, 5}}},
		{"each minute, further apart than a call can", every(60, 5), 25, false, []call{{0, 15, 17, 5}}},
		{"for longer than a call can", every(20, 20), 25, false, []call{{0, 20, 14, 14}, {280, 20, 6, 6}}},
		{"some left out", seconds(0, 10, 40, 50), 25, false, []call{{0, 10, 6, 4}}},
		{"equal ones", seconds(5, 5, 5), 25, false, []call{{5, 0.2, 1, 3}}},
		{"nearly evenly", seconds(0, 10, 20.05, 30.1), 25, false, []call{{0, 10, 4, 4}}},
		{"close together", seconds(0, 0.33, 0.71, 1.9, 2.05), 25, false, []call{{0, 0.2, 11, 5}}},
		{"at random", seconds(0, 17.317, 31.111, 120.5), 25, false, []call{{0, 17.317, 2, 2}, {31.111, 0.2, 1, 1}, {120.5, 0.2, 1, 1}}},
		{"few at a time", every(1, 20), 8, false, []call{{0, 1, 8, 8}, {8, 1, 8, 8}, {16, 1, 4, 4}}},
		{"across the border of fragments", whole, 25, false, []call{{0, 0.2, 1, 1}, {0.1, 0.2, 1, 1}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []call
			for _, b := range still.Batches(tc.instants, tc.most, tc.lead) {
				got = append(got, call{b.Start.Sub(memory.Base()).Seconds(), b.Interval.Seconds(), b.Count, len(b.At)})
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBatchesBringAll: whatever is wanted, each instant is in one call, which the service takes and which has an image that will do.
func TestBatchesBringAll(t *testing.T) {
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 1))
		var instants []still.Instant
		at := memory.Base()
		for range 1 + random.IntN(60) {
			at = at.Add(time.Duration(random.IntN([]int{1, 150, 1000, 30_000, 400_000}[random.IntN(5)])) * time.Millisecond)
			instants = append(instants, still.Instant{At: at, Earliest: at.Add(-time.Duration(random.IntN(200)) * time.Millisecond)})
		}
		most, lead := []int{8, 25}[random.IntN(2)], random.IntN(2) == 0
		var brought []time.Time
		for _, b := range still.Batches(instants, most, lead) {
			length := time.Duration(b.Count-1)*b.Interval + archive.Grain
			if b.Count < 1 || b.Count > most || length > archive.MaxImageSpan || b.Interval < archive.MinImageInterval ||
				b.Interval > archive.MaxImageInterval || b.Interval%archive.Grain != 0 {
				t.Fatalf("seed %d: %+v, which the service does not take", seed, b)
			}
			for _, at := range b.At {
				i := slices.IndexFunc(instants, func(i still.Instant) bool { return i.At.Equal(at) })
				n := int(at.Sub(b.Start) / b.Interval)
				if lead && n == 0 || n >= b.Count || b.Start.Add(time.Duration(n)*b.Interval).Before(instants[i].Earliest) {
					t.Fatalf("seed %d: %+v has no image for %+v", seed, b, instants[i])
				}
			}
			brought = append(brought, b.At...)
		}
		if !slices.EqualFunc(instants, brought, func(i still.Instant, at time.Time) bool { return i.At.Equal(at) }) {
			t.Fatalf("seed %d: wanted %v, brought %v", seed, instants, brought)
		}
	}
}
