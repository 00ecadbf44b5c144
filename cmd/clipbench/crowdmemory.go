package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// footprint is how much memory a process has, in MiB: all that is resident, and what of it is no file's.
type footprint struct{ all, anonymous float64 }

// less is what it is more than another one.
func (f footprint) less(other footprint) footprint {
	return footprint{f.all - other.all, f.anonymous - other.anonymous}
}

func (f footprint) String() string {
	return fmt.Sprintf("%.1f MiB (%.1f of it no file's)", f.all, f.anonymous)
}

// footprint gives how much memory the mount's process has now.
func (m *mount) footprint() (footprint, error) {
	all, errAll := m.memory("VmRSS")
	anonymous, errAnonymous := m.memory("RssAnon")
	return footprint{all, anonymous}, errors.Join(errAll, errAnonymous)
}

// crowdLooks gives the directories at which a user of a large account looks, and after how many of them memory is measured.
func crowdLooks(c *crowd, root string) (looks []string, marks []int) {
	for i := range crowdStreams {
		looks = append(looks, filepath.Join(root, crowdStream(i)))
	}
	for i := range lookedDays {
		looks = append(looks, filepath.Join(root, crowdStream(i), c.newest.AddDate(0, 0, -1-i).Format(time.DateOnly)))
	}
	for i := range lookedHours {
		hour := c.newest.Add(-time.Duration(24+i) * time.Hour)
		looks = append(looks, filepath.Join(root, crowdStream(i%lookedDays), hour.Format(time.DateOnly), hour.Format("2006-01-02T15")))
	}
	return looks, []int{1, 10, 100, crowdStreams, crowdStreams + lookedDays, len(looks)}
}

// crowdMemory looks at what a user looks at, and at how much memory the mount takes then: whole is the row of all that it has, added that of what it has beyond
// what it had before anything was looked at.
func (b *bench) crowdMemory(ctx context.Context, c *crowd, whole, added *row, memory *line) (err error) {
	m, err := b.mountAt(ctx, c.endpoint, "", "--metadata-ttl", "10m")
	if err != nil {
		return err
	}
	defer m.end(&err)
	before, err := m.footprint()
	if err != nil {
		return err
	}
	looks, marks := crowdLooks(c, m.path)
	began, anonymous := time.Now(), m.anonymous()
	after := map[int]footprint{}
	done := 0
	for _, upTo := range marks {
		if err := lookAt(ctx, looks[done:upTo]); err != nil {
			return err
		}
		if after[upTo], err = m.footprint(); err != nil {
			return err
		}
		done = upTo
		memory.add(float64(upTo), after[upTo].all)
	}
	took := time.Since(began)
	cpu, err := m.cpu()
	if err != nil {
		return err
	}
	m.heapProfile()
	var most footprint
	if most.anonymous, err = anonymous(); err != nil {
		return err
	}
	if _, most.all, err = m.resident(); err != nil {
		return err
	}
	end := after[len(looks)]
	crowdMemoryRows(whole, added, before, most, end)
	whole.note += fmt.Sprintf("; %.1f MiB after the first root, %.1f after 1,000, %.1f with 20 days, %.1f with 100 hours of 1,800 fragments; ls -l of each, %d at once, in %s and %s of CPU time",
		after[1].all, after[crowdStreams].all, after[crowdStreams+lookedDays].all, end.all, looksAtOnce, took.Round(time.Second), seconds(cpu.Seconds()))
	whole.rounds["MiB after 1, 10, 100, 1000 roots, 20 days, 100 hours"] = memory.Y
	whole.rounds["CPU time"] = []float64{cpu.Seconds()}
	return nil
}

// crowdMemoryRows fills in what a mount has, and what of that looking has added.
func crowdMemoryRows(whole, added *row, before, most, end footprint) {
	whole.value, added.value = most.all, most.less(before).all
	whole.note = fmt.Sprintf("%v before anything was looked at, %v at most, %v at the end", before, most, end)
	added.note = fmt.Sprintf("%v at most, %v at the end", most.less(before), end.less(before))
	whole.rounds = map[string][]float64{
		"MiB before, at most, at the end": {before.all, most.all, end.all}, "MiB of it no file's": {before.anonymous, most.anonymous, end.anonymous},
	}
	most, end = most.less(before), end.less(before)
	added.rounds = map[string][]float64{"MiB at most, at the end": {most.all, end.all}, "MiB of it no file's": {most.anonymous, end.anonymous}}
}

// lookAt lists directories as ls -l does.
func lookAt(ctx context.Context, dirs []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(looksAtOnce)
	for _, dir := range dirs {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			entries, err := os.ReadDir(dir)
			if err == nil && len(entries) == 0 {
				err = fmt.Errorf("%s is empty", dir)
			}
			for _, e := range entries {
				if _, infoErr := e.Info(); infoErr != nil {
					return infoErr
				}
			}
			return err
		})
	}
	return group.Wait()
}
