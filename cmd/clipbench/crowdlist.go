package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"clipfs/cmd/clipbench/internal/plot"
)

const (
	// A user of a large account looks at the roots of all its streams, at so many days and at so many hours, so many at once.
	lookedDays, lookedHours, looksAtOnce = 20, 100, 4
	// rootLimit is how long the root of a large account may take when nothing is known, in seconds.
	rootLimit = 2
)

func crowdTask() task {
	const local = "the same tree on the local disk"
	return task{"crowd", []row{
		{name: "`ls -l` of the root, 1,000 streams, warm", against: local, limit: 10},
		{name: "`ls -l` of a stream of 30 days, one of 1,000, warm", against: local, limit: 10},
		{name: "`ls -l` of a day, one of 1,000 streams, warm", against: local, limit: 10},
		{name: "`ls -lR` of an hour, one of 1,000 streams, warm", against: local, limit: 10},
		{name: "`ls` of the root, 1,000 streams, nothing known", limit: rootLimit, unit: " s"},
		{name: "memory of the timeline, 1,000 streams × 30 days: their roots, 20 days and 100 hours looked at", limit: 64, unit: " MiB"},
		{name: "resident memory of the mount, 1,000 streams × 30 days: their roots, 20 days and 100 hours looked at, the most", limit: 64, unit: " MiB"},
		{name: "memory that looking at 1,000 cameras adds to the mount, 1,000 streams × 30 days: their roots, 20 days and 100 hours, the most", limit: 64, unit: " MiB"},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		c, err := b.crowd(ctx, 0, false)
		if err != nil {
			return err
		}
		defer c.end(&err)
		cold, warm, memory := newLine("nothing known, s"), newLine("warm, s"), newLine("memory, MiB")
		for _, n := range []int{1, 10, 100, crowdStreams} {
			times, err := b.crowdRoots(ctx, c, n)
			if err != nil {
				return err
			}
			cold.add(float64(n), median(times[0]))
			warm.add(float64(n), median(times[1]))
			if n == crowdStreams {
				rows[4].value, rows[4].rounds = median(times[0]), map[string][]float64{"cold": times[0], "warm": times[1]}
				rows[4].note = fmt.Sprintf("%s warm; each round mounts anew", seconds(median(times[1])))
			}
		}
		if err := b.crowdListings(ctx, c, rows[:4]); err != nil {
			return err
		}
		if err := c.timelineMemory(ctx, &rows[5]); err != nil {
			return err
		}
		if err := b.crowdMemory(ctx, c, &rows[6], &rows[7], memory); err != nil {
			return err
		}
		return errors.Join(
			b.draw("roots", plot.Plot{Title: "Listing the root of an account", X: "streams", Y: "seconds", Lines: lines(cold, warm)}),
			b.draw("memory", plot.Plot{Title: "Resident memory of a mount", X: "directories looked at", Y: "MiB", Lines: lines(memory)}))
	}}
}

// crowdRoots lists the roots of mounts of so many streams, cold and again, a mount for each round.
func (b *bench) crowdRoots(ctx context.Context, c *crowd, n int) (times [2][]float64, err error) {
	first := crowdStream(0)
	prefix := first[:len(first)+1-len(fmt.Sprint(n))] // n is a power of ten
	round := func() (err error) {
		m, err := b.mountAt(ctx, c.endpoint, "", "--stream-prefix", prefix)
		if err != nil {
			return err
		}
		defer m.end(&err)
		for i := range times {
			began := time.Now()
			entries, err := os.ReadDir(m.path)
			if err != nil {
				return err
			}
			times[i] = append(times[i], time.Since(began).Seconds())
			if len(entries) != n {
				return fmt.Errorf("the root of %s* has %d entries, want %d", prefix, len(entries), n)
			}
		}
		return nil
	}
	for range b.rounds {
		if err := round(); err != nil {
			return times, err
		}
	}
	return times, nil
}

// crowdListings compares listings of a large account with those of the same trees on the local disk.
func (b *bench) crowdListings(ctx context.Context, c *crowd, rows []row) (err error) {
	m, err := b.mountAt(ctx, c.endpoint, "", "--metadata-ttl", "10m")
	if err != nil {
		return err
	}
	defer m.end(&err)
	date := c.newest.Add(-48 * time.Hour).Format(time.DateOnly)
	stream := filepath.Join(m.path, crowdStream(crowdStreams/2))
	return b.listings(ctx, rows, []listed{
		{"-l", m.path, 1}, {"-l", stream, 1}, {"-l", filepath.Join(stream, date), 1}, {"-lR", filepath.Join(stream, date, date+"T12"), 2},
	})
}

// raw gives what was measured, for JSON.
func (p *pairs) raw() map[string][]float64 {
	return map[string][]float64{"ours": p.ours, "theirs": p.theirs}
}
