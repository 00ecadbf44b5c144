package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// passTask compares a cached clip of one part that the kernel reads by itself with a local file. It needs root and Linux 6.9.
func passTask() task {
	const second, random, first = "second sequential read, one part, passthrough", "second random 64 KiB reads, 4 at a time, one part, passthrough",
		"first sequential read of a cached clip after a restart, one part, passthrough"
	const inMemory, floor = "the same bytes in a local file, in memory", "a bare FUSE file that the kernel reads by itself, on a mount that has just started"
	return task{"passthrough", []row{
		{name: second, against: sameBytes, atLeast: true, limit: 0.95},
		{name: second, against: cacheFile, atLeast: true, limit: 0.95},
		{name: random, against: sameBytes, atLeast: true, limit: 0.95},
		{name: random, against: cacheFile, atLeast: true, limit: 0.95},
		{name: first, against: inMemory, atLeast: true, limit: 0.90},
		{name: first, against: cacheFile, atLeast: true, limit: 0.90},
		{name: first, against: floor, atLeast: true, limit: 0.95},
		{name: "first sequential read of that bare FUSE file, passthrough", against: inMemory, atLeast: true, limit: 0.90},
		{name: "page cache after a cold read of a cached clip, one part, passthrough", against: "its size", limit: 1.05},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		p := &passed{bench: b, at: b.hour()}
		if p.cache, err = os.MkdirTemp(b.dir, "cache-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(p.cache)) }()
		defer func() {
			for _, path := range []string{p.local, p.other} {
				if path != "" {
					err = errors.Join(err, os.Remove(path))
				}
			}
		}()
		if err := p.again(ctx, rows); err != nil {
			return err
		}
		return p.afterRestart(ctx, rows[4:8])
	}}
}

// cacheFile is the file that the kernel reads from.
const cacheFile = "the file in the cache, read directly"

// passed is a clip that is passed through, and what it is compared with.
type passed struct {
	bench *bench
	cache string
	at    time.Time
	// backing is the file in the cache, local a copy of it, other a copy that nothing is compared with.
	backing, local, other string
}

// mounted has something done with the clip on a mount of its own.
func (p *passed) mounted(ctx context.Context, use func(path string) error) error {
	m, err := p.bench.mount(ctx, p.cache, "--passthrough", "auto")
	if err != nil {
		return err
	}
	path := m.clip(camStream, p.at, "5m")
	if _, err = os.Stat(path); err == nil {
		err = use(path)
	}
	return errors.Join(err, m.stop())
}

// again compares reads after the first.
func (p *passed) again(ctx context.Context, rows []row) error {
	return p.mounted(ctx, func(path string) (err error) {
		if _, err := readFile(path); err != nil {
			return err
		}
		if p.backing, err = p.find(ctx, path); err != nil {
			return err
		}
		if err := written(p.backing); err != nil {
			return err
		}
		for _, to := range []*string{&p.local, &p.other} {
			if *to, err = p.bench.localCopy(path); err != nil {
				return err
			}
		}
		for i, read := range []read{readWhole, readRandom} {
			times, err := p.bench.compareReads(ctx, read, 3, path, p.local, p.backing)
			if err != nil {
				return err
			}
			for j := range 2 {
				pair, r := times.against(1+j), &rows[2*i+j]
				r.value, r.note = pair.faster(), pair.note()+", 1 GiB each"
			}
		}
		return errors.Join(p.memory(&rows[8], path), p.proven(ctx))
	})
}

// find gives the file of the clip in the cache, which gets its name a moment after the last byte was read.
func (p *passed) find(ctx context.Context, path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, readyAfter)
	defer cancel()
	for {
		files, err := filepath.Glob(filepath.Join(p.cache, "data2", "*.data"))
		if err != nil {
			return "", err
		}
		for _, file := range files {
			if found, err := os.Stat(file); err == nil && found.Size() == info.Size() {
				return file, nil
			}
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return "", fmt.Errorf("no file of %d bytes among %d in the cache: %w", info.Size(), len(files), ctx.Err())
		}
	}
}

// written has all of a file be on the disk, as the kernel forgets no other pages.
func written(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// proven waits until the clip is proven: half a minute after it was written, once the disk has it.
func (p *passed) proven(ctx context.Context) error {
	const proof = 64 // bytes behind the checksums, zeros before it is written
	ctx, cancel := context.WithTimeout(ctx, readyAfter)
	defer cancel()
	for {
		text, err := os.ReadFile(strings.TrimSuffix(p.backing, ".data") + ".checks")
		if err != nil {
			return err
		}
		if len(text) >= proof && !bytes.Equal(text[len(text)-proof:], make([]byte, proof)) {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s is not proven: %w", p.backing, ctx.Err())
		}
	}
}

// memory measures how much page cache a cold read leaves, of the file on the mount and of the one in the cache.
func (p *passed) memory(r *row, path string) error {
	if err := errors.Join(forget(path), forget(p.backing)); err != nil {
		return err
	}
	size, err := readFile(path)
	if err != nil {
		return err
	}
	pages := uint64(0)
	for _, file := range []string{path, p.backing} {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		var in unix.Cachestat_t
		err = unix.Cachestat(uint(f.Fd()), &unix.CachestatRange{Len: uint64(size)}, &in, 0)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		pages += in.Cache
	}
	r.value = float64(pages) * float64(os.Getpagesize()) / float64(size)
	r.note = fmt.Sprintf("%d pages of two files, clip of %d bytes", pages, size)
	return nil
}

// afterRestart compares the first read on a mount that has just started, of a clip that was looked up. Each round is two: what is read first in one
// is read last in the other.
func (p *passed) afterRestart(ctx context.Context, rows []row) error {
	buffer := bytes.Repeat([]byte{1}, chunk) // all of it is there: memory that a reader uses for the first time costs it as much as a few reads
	pairs := make([]pairs, len(rows))
	for i := range 2 * p.bench.rounds {
		if err := p.mounted(ctx, func(path string) (err error) {
			bare, err := p.bench.bare(ctx, p.backing, "--"+barePassed)
			if err != nil {
				return err
			}
			defer bare.end(&err)
			took, err := p.readEach(buffer, i%2 == 1, path, p.local, p.backing, bare.file())
			if err != nil {
				return err
			}
			clip, local, direct, floor := took[0], took[1], took[2], took[3]
			pairs[0].add(clip, local)
			pairs[1].add(clip, direct)
			pairs[2].add(clip, floor)
			pairs[3].add(floor, local)
			return nil
		}); err != nil {
			return err
		}
	}
	for i := range pairs {
		rows[i].value, rows[i].note = pairs[i].faster(), pairs[i].note()
	}
	return nil
}

// readEach gives how long it takes to read each of some files that are in memory, front to back or the other way round. Before each another file
// is read: what the one before has left in the processor's caches, or has its server still do, is no part of the time.
func (p *passed) readEach(buffer []byte, backwards bool, paths ...string) ([]time.Duration, error) {
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil { // nor is its look-up
			return nil, err
		}
	}
	if err := readAnew([]string{p.local, p.backing, p.other}); err != nil {
		return nil, err
	}
	took := make([]time.Duration, len(paths))
	for i := range paths {
		if backwards {
			i = len(paths) - 1 - i
		}
		if _, err := readInto(buffer, p.other); err != nil {
			return nil, err
		}
		began := time.Now()
		if _, err := readInto(buffer, paths[i]); err != nil {
			return nil, err
		}
		took[i] = time.Since(began)
	}
	return took, nil
}
