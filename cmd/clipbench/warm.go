package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// randomReaders, randomSize and randomReads are how many readers there are, how much each asks for, and how often.
	randomReaders, randomSize, randomReads = 4, 64 << 10, 500

	// What second reads are compared with.
	sameBytes = "the same bytes in a local file"
	freshFile = "a local file still in memory as it was written"
	bareFUSE  = "a bare FUSE file"
	// storedFUSE is what a FUSE file with a cache on the disk is compared with.
	storedFUSE = "a bare FUSE file of a file on the disk"

	// byPageCache has a mount read everything through FUSE, as that of an ordinary user does: see passTask for what the kernel reads by itself.
	byPageCache = "--passthrough=off"
)

// secondRows are the rows of one kind of second reads, in the order of againstCopies.
func secondRows(name, bareName, local string, limit float64) []row {
	return []row{
		{name: name, against: local, atLeast: true, limit: limit},
		{name: name, against: bareFUSE, atLeast: true, limit: limit},
		{name: bareName, against: local, atLeast: true, limit: limit},
		{name: name, against: freshFile, atLeast: true, limit: limit},
	}
}

func (b *bench) againstCopies(ctx context.Context, rows []row, path string, c *copies, read read) error {
	times, err := b.compareReads(ctx, read, 3, path, c.stored, c.bare.file(), c.fresh)
	if err != nil {
		return err
	}
	bare := &pairs{ours: times[2], theirs: times[1]}
	for i, p := range []*pairs{times.against(1), times.against(2), bare, times.against(3)} {
		rows[i].value, rows[i].note = p.faster(), p.note()+", 1 GiB each"
	}
	rows[0].note += "; each round has a first read before it, of the file from the disk"
	rows[1].note += "; one file in the memory of a go-fuse server, with the same flags"
	rows[3].note += "; it was written a MiB at once, and the kernel has it in larger pages than what it reads from a disk"
	return nil
}

func sequentialTask() task {
	one := secondRows("second sequential read, one part", "second sequential read, a bare FUSE file of one part's size", sameBytes, 0.95)
	many := secondRows("second sequential read, many parts", "second sequential read, a bare FUSE file of many parts' size", sameBytes, 0.95)
	rows := append(append(one, many...),
		row{name: "second sequential read, one part", against: "rclone mount, warm", atLeast: true, limit: 10},
		row{name: "second sequential read, many parts", against: "rclone mount, warm", atLeast: true, limit: 10})
	return task{"sequential", rows, func(ctx context.Context, b *bench, rows []row) (err error) {
		m, err := b.mount(ctx, "", byPageCache)
		if err != nil {
			return err
		}
		defer m.end(&err)
		at := b.hour()
		for i, length := range []string{"5m", "10m"} {
			own := rows[i*len(one) : (i+1)*len(one)]
			if err := b.measureSequential(ctx, own, &rows[2*len(one)+i], m.clip(camStream, at, length)); err != nil {
				return err
			}
		}
		return nil
	}}
}

func (b *bench) measureSequential(ctx context.Context, rows []row, rclone *row, path string) (err error) {
	c, err := b.copyOf(ctx, path)
	if err != nil {
		return err
	}
	defer c.remove(&err)
	if err := b.againstCopies(ctx, rows, path, c, readWhole); err != nil {
		return err
	}
	return b.againstRclone(ctx, rclone, path, c)
}

func firstTask() task {
	const name = "first sequential read of a cached clip"
	return task{"first", []row{
		{name: name, against: "local file", atLeast: true, limit: 0.20},
		{name: name, against: bareFUSE, atLeast: true, limit: 0.75},
		{name: "first sequential read of a bare FUSE file", against: "local file", atLeast: true, limit: 0.20},
		{name: name, against: storedFUSE, atLeast: true, limit: 0.90},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		cache, err := os.MkdirTemp(b.dir, "cache-")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(cache)) }()
		f := &firstRead{bench: b, cache: cache, at: b.hour()}
		if err := f.mounted(ctx, func(path string) (err error) {
			f.copies, err = b.copyOf(ctx, path)
			return err
		}); err != nil {
			return err
		}
		defer f.copies.remove(&err)
		if f.stored, err = b.bare(ctx, f.copies.stored, "--"+bareStored); err != nil {
			return err
		}
		defer f.stored.end(&err)
		var ours, bare, stored pairs
		for range b.rounds {
			if err := f.round(ctx, &ours, &bare, &stored); err != nil {
				return err
			}
		}
		floor := &pairs{ours: ours.ours, theirs: bare.ours}
		for i, p := range []*pairs{&ours, floor, &bare, &stored} {
			rows[i].value, rows[i].note = p.faster(), p.note()
		}
		rows[0].note += "; 10 min, open and read after a restart, looked up before; the local file in memory"
		rows[1].note += "; its bytes in the memory of its server"
		rows[3].note += "; go-fuse reads the local file, which is in memory, for each request"
		return nil
	}}
}

// firstRead is a clip that is in a cache, and what it is compared with.
type firstRead struct {
	bench  *bench
	cache  string
	at     time.Time
	copies *copies
	// stored is a bare mount whose file stays on the disk.
	stored *bareMount
}

// mounted has something done with the clip on a mount of its own.
func (f *firstRead) mounted(ctx context.Context, use func(path string) error) error {
	m, err := f.bench.mount(ctx, f.cache, byPageCache)
	if err != nil {
		return err
	}
	path := m.clip(camStream, f.at, "10m")
	if _, err = os.Stat(path); err == nil {
		err = use(path)
	}
	return errors.Join(err, m.stop())
}

// round reads the clip after a restart, the files of the bare mounts that the kernel has forgotten, and the local file from memory.
func (f *firstRead) round(ctx context.Context, ours, bare, stored *pairs) error {
	var clip time.Duration
	if err := f.mounted(ctx, func(path string) (err error) {
		clip, err = readTime(path)
		return err
	}); err != nil {
		return err
	}
	var floors []time.Duration
	for _, m := range []*bareMount{f.copies.bare, f.stored} {
		if err := forget(m.file()); err != nil {
			return err
		}
		took, err := readTime(m.file())
		if err != nil {
			return err
		}
		floors = append(floors, took)
	}
	local, err := readTime(f.copies.stored)
	ours.add(clip, local)
	bare.add(floors[0], local)
	stored.add(clip, floors[1])
	return err
}

func readTime(path string) (time.Duration, error) {
	began := time.Now()
	_, err := readFile(path)
	return time.Since(began), err
}

func randomTask() task {
	const name = "second random 64 KiB reads, 4 at a time"
	rows := secondRows(name, name+", a bare FUSE file", "local file", 0.90)
	return task{"random", rows, func(ctx context.Context, b *bench, rows []row) (err error) {
		m, err := b.mount(ctx, "", byPageCache)
		if err != nil {
			return err
		}
		defer m.end(&err)
		path := m.clip(camStream, b.hour(), "10m")
		c, err := b.copyOf(ctx, path)
		if err != nil {
			return err
		}
		defer c.remove(&err)
		return b.againstCopies(ctx, rows, path, c, readRandom)
	}}
}

// readRandom has several readers read at random places, the same of a file and of its copies.
func readRandom(path string, round int) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	var group errgroup.Group
	for i := range randomReaders {
		group.Go(func() error {
			places := rand.New(rand.NewPCG(uint64(round), uint64(i)))
			p := make([]byte, randomSize)
			for range randomReads {
				if _, err := f.ReadAt(p, places.Int64N(info.Size()-randomSize)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return randomReaders * randomReads * randomSize, group.Wait()
}
