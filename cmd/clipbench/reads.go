package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// chunk is how much a sequential reader asks for at once.
	chunk = 1 << 20
	// enough is how many bytes are read for one measurement of something that is in memory.
	enough = 1 << 30
	// randomReaders, randomSize and randomReads are how many readers there are, how much each asks for, and how often.
	randomReaders, randomSize, randomReads = 4, 64 << 10, 500
)

// readFile reads a file front to back and gives its size.
func readFile(path string) (int64, error) { return readWhole(path, 0) }

// readWhole is the read of compareReads that does so.
func readWhole(path string, _ int) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	p := make([]byte, chunk)
	total := int64(0)
	for {
		n, err := f.Read(p)
		total += int64(n)
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// read is one way to read a file.
type read func(path string, round int) (bytes int64, err error)

// compareReads has two files read in turn, again and again until a round is worth measuring: what else the machine does
// then slows both down alike.
func (b *bench) compareReads(ctx context.Context, ours, theirs string, read read) (*pairs, error) {
	var p pairs
	for round := range b.rounds {
		var sums [2]time.Duration
		for total := int64(0); total < enough; {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			for i, path := range []string{ours, theirs} {
				began := time.Now()
				n, err := read(path, round)
				if err != nil {
					return nil, err
				}
				sums[i] += time.Since(began)
				total += max(n, 1) * int64(1-i) // of ours
			}
		}
		p.add(sums[0], sums[1])
	}
	return &p, nil
}

// copyOf copies a clip to the local disk, reads both until they are in memory, and gives the path of the copy.
func (b *bench) copyOf(path string) (string, error) {
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close() }()
	out, err := os.CreateTemp(b.dir, "copy-*.mp4")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return "", err
	}
	for range 2 {
		ours, err := readFile(path)
		if err != nil {
			return "", err
		}
		theirs, err := readFile(out.Name())
		if err != nil {
			return "", err
		}
		if ours != theirs {
			return "", fmt.Errorf("clip of %d bytes, copy of %d", ours, theirs)
		}
	}
	return out.Name(), nil
}

// sequentialTask: second reads, from front to back.
func sequentialTask() task {
	return task{"sequential", []row{
		{name: "second sequential read, one part", against: "the same bytes in a local file", atLeast: true, limit: 0.95},
		{name: "second sequential read, many parts", against: "the same bytes in a local file", atLeast: true, limit: 0.95},
		{name: "second sequential read, one part", against: "rclone mount, warm", atLeast: true, limit: 10},
		{name: "second sequential read, many parts", against: "rclone mount, warm", atLeast: true, limit: 10},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		m, err := b.mount(ctx, "")
		if err != nil {
			return err
		}
		defer m.end(&err)
		at := b.hour()
		for i, length := range []string{"5m", "10m"} {
			path := m.clip(camStream, at, length)
			local, err := b.copyOf(path)
			if err != nil {
				return err
			}
			p, err := b.compareReads(ctx, path, local, readWhole)
			if err != nil {
				return err
			}
			rows[i].value, rows[i].note = p.faster(), p.note()+", 1 GiB each"
			if err := b.againstRclone(ctx, &rows[2+i], path, local); err != nil {
				return err
			}
			if err := os.Remove(local); err != nil {
				return err
			}
		}
		return nil
	}}
}

// firstTask: the first read of a clip that is in the cache, after a restart.
func firstTask() task {
	return task{"first", []row{
		{name: "first sequential read of a cached clip", against: "local file", atLeast: true, limit: 0.20},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		cache, err := os.MkdirTemp(b.dir, "cache-")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(cache)) }()
		at, local := b.hour(), ""
		mounted := func(use func(path string) error) error {
			m, err := b.mount(ctx, cache)
			if err != nil {
				return err
			}
			path := m.clip(camStream, at, "10m")
			if _, err = os.Stat(path); err == nil {
				err = use(path)
			}
			return errors.Join(err, m.stop())
		}
		if err := mounted(func(path string) (err error) {
			local, err = b.copyOf(path)
			return err
		}); err != nil {
			return err
		}
		once := func(path string) (time.Duration, error) {
			began := time.Now()
			_, err := readFile(path)
			return time.Since(began), err
		}
		p, err := b.alternate(ctx, func(context.Context, int) (d time.Duration, err error) {
			err = mounted(func(path string) error {
				d, err = once(path)
				return err
			})
			return d, err
		}, func(context.Context, int) (time.Duration, error) { return once(local) })
		if err != nil {
			return err
		}
		rows[0].value, rows[0].note = p.faster(), p.note()+"; 10 min, open and read after a restart, looked up before; the local file in memory"
		return os.Remove(local)
	}}
}

// randomTask: second reads of a little at random places.
func randomTask() task {
	return task{"random", []row{
		{name: "second random 64 KiB reads, 4 at a time", against: "local file", atLeast: true, limit: 0.90},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		m, err := b.mount(ctx, "")
		if err != nil {
			return err
		}
		defer m.end(&err)
		path := m.clip(camStream, b.hour(), "10m")
		local, err := b.copyOf(path)
		if err != nil {
			return err
		}
		p, err := b.compareReads(ctx, path, local, readRandom)
		if err != nil {
			return err
		}
		rows[0].value, rows[0].note = p.faster(), p.note()+", 1 GiB each"
		return os.Remove(local)
	}}
}

// readRandom has several readers read at random places, the same of a file and of its copy.
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
