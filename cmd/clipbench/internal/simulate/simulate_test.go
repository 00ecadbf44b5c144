package simulate_test

import (
	"math"
	"reflect"
	"testing"

	"clipfs/cmd/clipbench/internal/simulate"
)

// costs are round numbers.
func costs() simulate.Costs {
	return simulate.Costs{
		Parts: 60, Fragments: 30, PartBytes: 1e6, HeadBytes: 5e4, HeadObject: 1e4, ListPoints: 2000, ListLater: 2000, Confirm: 2000,
		ArchiveLatency: 0.3, ArchiveBandwidth: 25e6, StoreLatency: 0.02, StoreBandwidth: 50e6, Refetch: 1, Yields: 1, Duplicate: 0, Contended: 0.8,
	}
}

func run(t *testing.T, c simulate.Costs, w simulate.Workload, hosts int, tier bool) simulate.Result {
	t.Helper()
	return simulate.Simulate(c, simulate.Run{Workload: w, Hosts: hosts, Tier: tier, Seed: 7})
}

// near reports whether two numbers are equal but for rounding.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(a), math.Abs(b)) }

// TestConservation: what is read comes from somewhere, and what the archive sends is read or wasted.
func TestConservation(t *testing.T) {
	t.Parallel()
	for _, w := range simulate.Workloads() {
		for _, hosts := range []int{1, 3, 12} {
			for _, tier := range []bool{false, true} {
				c := costs()
				c.Refetch, c.Duplicate = 0.5, 0.3
				r := run(t, c, w, hosts, tier)
				if !near(r.ReadBytes, r.FromArchive+r.FromShared+r.FromLocal) || !near(r.ArchiveBytes, r.FromArchive+r.Wasted) {
					t.Errorf("%+v", r)
				}
				jobs := map[simulate.Workload]int{simulate.SameHour: 1, simulate.DifferentHours: 2, simulate.Zipf: 8}[w] * hosts
				if want := float64(jobs) * 60e6; !near(r.ReadBytes, want) {
					t.Errorf("%s, %d hosts: %g bytes were read, want %g", w, hosts, r.ReadBytes, want)
				}
				if !tier && (r.FromShared > 0 || r.Gets > 0 || r.Puts > 0 || r.Written > 0) {
					t.Errorf("without a bucket: %+v", r)
				}
				if !near(r.MediaPoints, 30*r.Calls) {
					t.Errorf("%g points of %g calls", r.MediaPoints, r.Calls)
				}
			}
		}
	}
}

// TestOneHost: alone, a host takes the same of the archive with and without a bucket, and the quota bounds how soon it opens.
func TestOneHost(t *testing.T) {
	t.Parallel()
	alone, shared := run(t, costs(), simulate.SameHour, 1, false), run(t, costs(), simulate.SameHour, 1, true)
	if alone.ArchiveBytes != shared.ArchiveBytes || alone.MediaPoints != shared.MediaPoints || alone.Calls != 120 {
		t.Errorf("without %+v\nwith %+v", alone, shared)
	}
	// 1,800 points of which 500 are there, two pages, and the last head's answer.
	if want := simulate.Seconds(0.6 + 1300.0/500 + 0.3 + 5e4/25e6); math.Abs(float64(alone.OpenLast-want)) > 0.05 {
		t.Errorf("opens after %.3f s, want %.3f", alone.OpenLast, want)
	}
	if shared.Written != 60*(1e6+1e4) {
		t.Errorf("wrote %g bytes", shared.Written)
	}
	warm := simulate.Simulate(costs(), simulate.Run{Workload: simulate.SameHour, Hosts: 1, Tier: true, Warm: true})
	if warm.Calls != 0 || warm.ArchiveBytes != 0 || warm.Gets != 120 || warm.Puts != 0 {
		t.Errorf("of a bucket that has all: %+v", warm)
	}
}

// TestLinger: a part whose media is read long after its head came is called for again, as where many hosts wait for one quota.
func TestLinger(t *testing.T) {
	t.Parallel()
	c := costs()
	c.Refetch = 0
	if r := run(t, c, simulate.SameHour, 1, false); r.Calls != 60 {
		t.Errorf("one host made %g calls, want 60", r.Calls)
	}
	if r := run(t, c, simulate.SameHour, 8, false); r.Calls < 8*60*4/3 || r.Calls > 8*120 {
		t.Errorf("eight hosts made %g calls, want many more than %d", r.Calls, 8*60)
	}
}

// TestLeases: leases cost one host alone few writes, and hosts that wait for their quota few more.
func TestLeases(t *testing.T) {
	t.Parallel()
	const objects = 120
	if r := run(t, costs(), simulate.SameHour, 1, true); r.Puts < objects+2 || r.Puts > 2*objects {
		t.Errorf("%d objects took %g writes", objects, r.Puts)
	}
	const hosts = 100
	r := run(t, costs(), simulate.DifferentHours, hosts, true)
	if most := hosts * (2*objects + float64(r.OpenLast)); r.Puts > most { // the last waits so many seconds, and writes a beat each two
		t.Errorf("%d hosts that wait for up to %.0f s took %g writes, want %g at most", hosts, float64(r.OpenLast), r.Puts, most)
	}
}

// TestMonotone: more hosts take no less of the archive and of the store, and with a bucket no more of the archive than without.
func TestMonotone(t *testing.T) {
	t.Parallel()
	for _, w := range simulate.Workloads() {
		var last [2]simulate.Result
		for _, hosts := range []int{1, 2, 4, 8, 24} {
			without, with := run(t, costs(), w, hosts, false), run(t, costs(), w, hosts, true)
			for i, r := range []simulate.Result{without, with} {
				if r.ArchiveBytes < last[i].ArchiveBytes || r.Gets < last[i].Gets || r.ReadBytes < last[i].ReadBytes {
					t.Errorf("%s, %d hosts: %+v after %+v", w, hosts, r, last[i])
				}
				last[i] = r
			}
			if with.ArchiveBytes > without.ArchiveBytes*1.0001 {
				t.Errorf("%s, %d hosts: %g bytes of the archive with a bucket, %g without", w, hosts, with.ArchiveBytes, without.ArchiveBytes)
			}
		}
	}
	same := run(t, costs(), simulate.SameHour, 24, true)
	if alone := run(t, costs(), simulate.SameHour, 1, true); same.ArchiveBytes != alone.ArchiveBytes || same.Calls != alone.Calls {
		t.Errorf("24 hosts at the same hour: %+v\none: %+v", same, alone)
	}
}

// TestQuota: no second has more points than what a second brings and what may be saved up.
func TestQuota(t *testing.T) {
	t.Parallel()
	for _, w := range simulate.Workloads() {
		for _, hosts := range []int{1, 8, 20} {
			for _, tier := range []bool{false, true} {
				if r := run(t, costs(), w, hosts, tier); r.PeakPoints > 1000 {
					t.Errorf("%s, %d hosts: %g points in a second", w, hosts, r.PeakPoints)
				}
			}
		}
	}
}

// TestSeed: a run is told by its seed.
func TestSeed(t *testing.T) {
	t.Parallel()
	c := costs()
	c.Duplicate, c.Refetch = 0.4, 0.5
	of := func(seed uint64) simulate.Result {
		r := simulate.Simulate(c, simulate.Run{Workload: simulate.Zipf, Hosts: 20, Tier: true, Seed: seed})
		r.Seed = 0
		return r
	}
	if a, b := of(3), of(3); !reflect.DeepEqual(a, b) {
		t.Errorf("one seed: %+v and %+v", a, b)
	}
	if a, b := of(3), of(4); reflect.DeepEqual(a, b) {
		t.Error("two seeds have one run")
	}
}

// TestDollars counts a day of the same hour 24 times, and storage for as long as it is kept.
func TestDollars(t *testing.T) {
	t.Parallel()
	r := simulate.Result{Run: simulate.Run{Workload: simulate.SameHour}, ArchiveBytes: 1e9, Written: 1e9, Gets: 1000, Puts: 1000}
	archive, requests, storage := r.Dollars(simulate.Prices{Archive: 1, Storage: 30, Gets: 2, Puts: 3, KeepDays: 7})
	if !near(archive, 24) || !near(requests, 24*5) || !near(storage, 24*7) {
		t.Errorf("got %g, %g, %g", archive, requests, storage)
	}
}
