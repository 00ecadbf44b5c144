package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"clipfs/clip/archive"
	"clipfs/cmd/clipbench/internal/plot"
)

// readersLength is how long the clips of many readers are: of 2 s fragments, one GetClip call each.
const readersLength = 30 * time.Second

// readersTask has many programs read a cold clip each, of a stream each, all at once.
func readersTask() task {
	return task{"readers", []row{
		{name: "256 readers of 256 cold clips, throughput", against: "the same calls made directly, same number of connections", atLeast: true, limit: 0.9},
		{name: "256 readers of 256 cold clips, the most resident memory", limit: 64, unit: " MiB"},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		c, err := b.crowd(ctx, b.latency, true)
		if err != nil {
			return err
		}
		defer c.end(&err)
		m, err := b.mountAt(ctx, c.endpoint, "", "--cache-size", "6GiB")
		if err != nil {
			return err
		}
		defer m.end(&err)
		r := &manyReaders{bench: b, crowd: c, mount: m, at: c.newest.Add(-time.Hour)}
		// The first round takes data endpoints and connections.
		if _, _, _, err := r.round(ctx, crowdReaders); err != nil {
			return err
		}
		ours, theirs := newLine("clipfs"), newLine("the same calls")
		for _, n := range []int{1, 4, 16, 64} {
			a, z, size, err := r.round(ctx, n)
			if err != nil {
				return err
			}
			ours.add(float64(n), size/a.Seconds()/1e6)
			theirs.add(float64(n), size/z.Seconds()/1e6)
		}
		var p pairs
		var size float64
		for range b.few() {
			a, z, n, err := r.round(ctx, crowdReaders)
			if err != nil {
				return err
			}
			size = n
			p.add(a, z)
		}
		ours.add(crowdReaders, size/median(p.ours)/1e6)
		theirs.add(crowdReaders, size/median(p.theirs)/1e6)
		rows[0].value, rows[0].rounds = p.faster(), p.raw()
		rows[0].note = p.note() + fmt.Sprintf("; %.0f MB in clips of %s, a stream each; both list the fragments first", size/1e6, readersLength)
		if _, rows[1].value, err = m.resident(); err != nil {
			return err
		}
		return b.draw("readers", plot.Plot{Title: "Cold clips, all read at once", X: "readers", Y: "MB a second", Lines: lines(ours, theirs)})
	}}
}

// manyReaders reads the same span of many streams, another one each round.
type manyReaders struct {
	bench *bench
	crowd *crowd
	mount *mount
	at    time.Time
}

// round has so many readers read a clip each, and then the same calls made. It gives how long both took, and how many bytes the clips have.
func (r *manyReaders) round(ctx context.Context, n int) (ours, theirs time.Duration, size float64, err error) {
	r.at = r.at.Add(-time.Minute)
	if err := r.bench.rest(ctx); err != nil {
		return 0, 0, 0, err
	}
	sizes := make([]int64, n)
	began := time.Now()
	var group errgroup.Group
	for i := range n {
		group.Go(func() (err error) {
			sizes[i], err = readFile(r.mount.clip(readerStream(i), r.at, "30s"))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, 0, 0, err
	}
	ours = time.Since(began)
	if err := r.bench.rest(ctx); err != nil {
		return 0, 0, 0, err
	}
	began = time.Now()
	if err := r.direct(ctx, n); err != nil {
		return 0, 0, 0, err
	}
	theirs = time.Since(began)
	for _, n := range sizes {
		size += float64(n)
	}
	return ours, theirs, size, nil
}

// direct makes the calls of the clips, as many at once as clipfs has connections.
func (r *manyReaders) direct(ctx context.Context, n int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(connections)
	span := archive.NewSpan(r.at, readersLength)
	for i := range n {
		group.Go(func() error {
			stream := archive.StreamName(readerStream(i))
			fragments := 0
			for _, err := range r.crowd.service.Fragments(ctx, archive.FragmentQuery{Stream: stream, Span: span}) {
				if err != nil {
					return err
				}
				fragments++
			}
			p, err := r.crowd.service.Payload(ctx, archive.PayloadQuery{Stream: stream, Span: span, Fragments: fragments})
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, p.Body)
			return errors.Join(err, p.Body.Close())
		})
	}
	return group.Wait()
}

// processorTask measures how much of the processor a mount takes for what is read.
func processorTask() task {
	return task{"processor", []row{
		{name: "CPU of the mount for a GB, cold", limit: 4, unit: " s"},
		{name: "CPU of the mount for a GB, in the cache, first read after a restart", limit: 1, unit: " s"},
		{name: "CPU of the mount for a GB, in the cache, first read after a restart", against: "CPU of a bare FUSE file's server", limit: 2},
		{name: "CPU of the mount for a GB, in the cache, read again", limit: 0.1, unit: " s"},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		cache, err := os.MkdirTemp(b.dir, "cache-")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(cache)) }()
		kinds := []*line{newLine("cold"), newLine("in the cache"), newLine("read again"), newLine("a bare FUSE file")}
		per := make([][]float64, len(kinds)) // of the longest clips, seconds a GB
		for _, length := range []string{"1m", "10m", "1h"} {
			took := make([][]float64, len(kinds))
			var size float64
			for range b.few() {
				used, n, err := b.processorOf(ctx, cache, length)
				if err != nil {
					return err
				}
				size = float64(n)
				for i, u := range used {
					took[i] = append(took[i], u.Seconds())
				}
			}
			for i, l := range kinds {
				l.add(size/1e6, max(median(took[i]), 1.0/ticksPerSecond))
				per[i] = per[i][:0]
				for _, t := range took[i] {
					per[i] = append(per[i], t/size*1e9)
				}
			}
			rows[0].note = fmt.Sprintf("clips of %s with %.0f MB, user and kernel time of its process", length, size/1e6)
		}
		rows[0].value, rows[1].value, rows[3].value = median(per[0]), median(per[1]), median(per[2])
		rows[2].value = median(per[1]) / median(per[3])
		rows[2].note = fmt.Sprintf("the bare file's server takes %.2f s a GB, its bytes in memory", median(per[3]))
		for i, k := range []int{0, 1, 3, 2} {
			rows[i].rounds = map[string][]float64{"seconds a GB, " + kinds[k].Name: per[k]}
		}
		return b.draw("processor", plot.Plot{Title: "CPU of a mount", X: "MB read", Y: "seconds", Lines: lines(kinds...)})
	}}
}

// processorOf reads a clip cold, after a restart and again, and its copy from a bare mount that has not been read, and gives the CPU time of the
// processes that served each.
func (b *bench) processorOf(ctx context.Context, cache, length string) (used [4]time.Duration, size int64, err error) {
	at := b.hour()
	if err := b.rest(ctx); err != nil {
		return used, 0, err
	}
	m, err := b.mount(ctx, cache, "--cache-size", "6GiB")
	if err != nil {
		return used, 0, err
	}
	path := m.clip(camStream, at, length)
	if used[0], size, err = readUsing(path, m.cpu); err != nil {
		return used, 0, errors.Join(err, m.stop())
	}
	if err := m.stop(); err != nil {
		return used, 0, err
	}
	if m, err = b.mount(ctx, cache, "--cache-size", "6GiB"); err != nil {
		return used, 0, err
	}
	defer func() { err = errors.Join(err, m.stop()) }()
	path = m.clip(camStream, at, length)
	for i := range 2 {
		if used[1+i], _, err = readUsing(path, m.cpu); err != nil {
			return used, 0, err
		}
	}
	copied, err := b.localCopy(path)
	if err != nil {
		return used, 0, err
	}
	defer func() { err = errors.Join(err, os.Remove(copied)) }()
	bare, err := b.bare(ctx, copied)
	if err != nil {
		return used, 0, err
	}
	defer bare.end(&err)
	used[3], _, err = readUsing(bare.file(), func() (time.Duration, error) { return cpuOf(bare.process) })
	return used, size, err
}

// readUsing reads a file, and gives how much CPU time that took of a process.
func readUsing(path string, cpu func() (time.Duration, error)) (used time.Duration, size int64, err error) {
	before, err := cpu()
	if err != nil {
		return 0, 0, err
	}
	if size, err = readFile(path); err != nil {
		return 0, 0, err
	}
	after, err := cpu()
	return after - before, size, err
}
