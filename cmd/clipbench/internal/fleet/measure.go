package fleet

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"clipfs/cmd/clipbench/internal/simulate"
)

const (
	// length of what is read, and partsOf it.
	length  = "1h"
	partsOf = 60
)

// measurement is a short run with real mounts.
type measurement struct {
	*Rig
	say    func(format string, args ...any)
	costs  simulate.Costs
	rounds int
	real   []simulate.Result
}

// Measure measures the costs of the simulation at one and two hosts, and what as many hosts as are named take that read one hour at
// once, with and without a store.
func Measure(ctx context.Context, o Options, hosts []int, say func(format string, args ...any)) (simulate.Costs, []simulate.Result, error) {
	rig, err := Start(ctx, o)
	if err != nil {
		return simulate.Costs{}, nil, err
	}
	m := &measurement{Rig: rig, say: say, costs: simulate.Costs{
		Parts: partsOf, ArchiveLatency: simulate.In(o.Latency), ArchiveBandwidth: float64(o.Bandwidth), StoreLatency: simulate.In(o.StoreLatency),
		StoreBandwidth: float64(o.StoreBandwidth), Contended: 1,
	}}
	err = m.all(ctx, hosts)
	return m.costs, m.real, errors.Join(err, rig.Close())
}

// all measures: one host alone, one that fills the store, one that reads it, two of each, and then the others.
func (m *measurement) all(ctx context.Context, hosts []int) error {
	alone, err := m.round(ctx, 1, false)
	if err != nil {
		return err
	}
	m.archive(alone)
	first, err := m.round(ctx, 1, true)
	if err != nil {
		return err
	}
	warm, err := m.again(ctx, 1)
	if err != nil {
		return err
	}
	pair, err := m.again(ctx, 2)
	if err != nil {
		return err
	}
	m.costs.Confirm, m.costs.ListLater = max(0, first.MetadataPoints-alone.MetadataPoints), max(1, warm.MetadataPoints)
	m.processor(alone, warm, pair)
	without, err := m.round(ctx, 2, false)
	if err != nil {
		return err
	}
	with, err := m.round(ctx, 2, true)
	if err != nil {
		return err
	}
	Fit(&m.costs, []simulate.Result{first, without, with})
	m.costs.Note = fmt.Sprintf("real mounts over %s and its store, each hour of %.0f MB in %d parts", "clipfs emulator", first.ReadBytes/1e6, partsOf)
	for _, n := range hosts {
		for _, tier := range []bool{false, true} {
			if n < 3 {
				continue
			}
			if _, err := m.round(ctx, n, tier); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(m.real, func(a, b simulate.Result) int { return a.Hosts - b.Hosts })
	return nil
}

// round has hosts read an hour that none has read.
func (m *measurement) round(ctx context.Context, n int, tier bool) (simulate.Result, error) {
	m.rounds++
	r, err := m.read(ctx, n, tier, m.rounds)
	if err == nil {
		m.real = append(m.real, r)
	}
	return r, err
}

// again has further hosts, whose caches are empty, read the hour that was read last.
func (m *measurement) again(ctx context.Context, n int) (simulate.Result, error) {
	return m.read(ctx, n, true, m.rounds)
}

func (m *measurement) read(ctx context.Context, n int, tier bool, hour int) (r simulate.Result, err error) {
	var flags []string
	if tier {
		flags = append(m.Store.Flags("fleet"), Patient()...)
	}
	var hosts []*Host
	defer func() {
		for _, h := range hosts {
			err = errors.Join(err, h.Close())
		}
	}()
	for range n {
		h, err := m.Mount(ctx, flags...)
		if err != nil {
			return r, err
		}
		hosts = append(hosts, h)
	}
	if _, err := m.Take(ctx); err != nil {
		return r, err
	}
	times, err := All(hosts, func(int) time.Time { return m.Hour.Add(-time.Duration(hour) * time.Hour) }, length)
	if err != nil {
		return r, err
	}
	for _, h := range hosts {
		if tier {
			if err := h.Drain(ctx); err != nil {
				return r, err
			}
		}
	}
	taken, err := m.Take(ctx)
	if err != nil {
		return r, err
	}
	r = result(taken, times)
	r.Workload, r.Hosts, r.Tier = simulate.SameHour, n, tier
	m.say("%d hosts, with a bucket: %t: open %.2f s, end %.2f s, %.0f MB of the archive, %.0f calls, %.0f GET, %.0f PUT", n, tier,
		r.OpenLast, r.EndLast, r.ArchiveBytes/1e6, r.Calls, r.Gets, r.Puts)
	return r, nil
}

// result is what a round took, as the simulation says it.
func result(t Taken, times []Times) simulate.Result {
	r := simulate.Result{
		ArchiveBytes: float64(t.Bytes), Calls: float64(t.Calls), MediaPoints: float64(t.Points), MetadataPoints: float64(t.Listed),
		Gets: float64(t.Gets), Puts: float64(t.Puts),
	}
	var opens []simulate.Seconds
	for _, one := range times {
		opens = append(opens, simulate.In(one.Open))
		r.EndLast = max(r.EndLast, simulate.In(one.End))
		r.ReadBytes += float64(one.Bytes)
	}
	slices.Sort(opens)
	r.OpenMedian, r.OpenLast = opens[(len(opens)-1)/2], opens[len(opens)-1]
	return r
}

// archive takes from one host alone how clips are cut and called for.
func (m *measurement) archive(alone simulate.Result) {
	c := &m.costs
	c.Fragments = int(math.Round(alone.MediaPoints / alone.Calls))
	c.PartBytes = alone.ReadBytes / partsOf
	c.Refetch = min(1, max(0, alone.Calls/partsOf-1))
	if waste := alone.ArchiveBytes - alone.ReadBytes; c.Refetch > 0 && waste > 0 {
		c.HeadBytes = waste / (partsOf * c.Refetch)
	}
	c.ListPoints = alone.MetadataPoints
	// A head's table has a few bytes for each frame and sample of sound.
	c.HeadObject = min(c.PartBytes, 16<<10)
}

// processor takes what is not waited for on either side.
func (m *measurement) processor(alone, warm, pair simulate.Result) {
	c := &m.costs
	ideal := simulate.Simulate(*c, simulate.Run{Workload: simulate.SameHour, Hosts: 1, Tier: true, Warm: true})
	c.Start = max(0, alone.OpenLast-simulate.Simulate(*c, alone.Run).OpenLast)
	c.HeadCPU = max(0, warm.OpenLast-ideal.OpenLast-c.Start) / partsOf
	c.ReadRate = warm.ReadBytes / float64(max(warm.EndLast-warm.OpenLast, 0.001))
	c.Machine = pair.ReadBytes / float64(max(pair.EndLast-pair.OpenMedian, 0.001))
}

// Fit takes from what one and two hosts took that read one hour how hosts are in each other's way, how often two fetch the same, and
// how long the store takes to keep an object.
func Fit(c *simulate.Costs, real []simulate.Result) {
	find := func(hosts int, tier bool) (r simulate.Result) {
		for _, r = range real {
			if r.Hosts == hosts && r.Tier == tier {
				return r
			}
		}
		return simulate.Result{Run: simulate.Run{Workload: simulate.SameHour, Hosts: hosts, Tier: tier}}
	}
	first, without, together := find(1, true), find(2, false), find(2, true)
	if first.ReadBytes == 0 || without.ReadBytes == 0 || together.ReadBytes == 0 {
		return
	}
	c.Duplicate = min(1, max(0, (together.ArchiveBytes-first.ArchiveBytes)/first.ReadBytes))
	c.Yields = min(1, max(0, together.Calls/partsOf-1-c.Duplicate))
	c.Upload = simulate.Seconds(closest(0, 2, 0.01, func(wait float64) float64 {
		try := *c
		try.Upload = simulate.Seconds(wait)
		return float64(simulate.Simulate(try, together.Run).EndLast - together.EndLast)
	}))
	c.Contended = closest(0.3, 1, 0.01, func(share float64) float64 {
		try := *c
		try.Contended = share
		return float64(simulate.Simulate(try, without.Run).EndLast - without.EndLast)
	})
}

// closest gives the value between two for which off is nearest to 0.
func closest(from, to, step float64, off func(float64) float64) (value float64) {
	best := math.Inf(1)
	for i := range int((to-from)/step) + 1 {
		try := math.Round((from+float64(i)*step)*100) / 100
		if o := math.Abs(off(try)); o < best {
			best, value = o, try
		}
	}
	return value
}
