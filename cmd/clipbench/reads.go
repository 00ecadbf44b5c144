package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// chunk is how much a sequential reader asks for at once.
	chunk = 1 << 20
	// enough is how many bytes are read for one measurement of something that is in memory.
	enough = 1 << 30
)

func readFile(path string) (int64, error) { return readWhole(path, 0) }

func readWhole(path string, _ int) (int64, error) { return readInto(make([]byte, chunk), path) }

// readInto reads a file front to back, as much at once as there is space.
func readInto(p []byte, path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
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

type read func(path string, round int) (bytes int64, err error)

// readTimes are, for each of some files that were read in turn, how long each round took, in seconds.
type readTimes [][]float64

// against gives the first file's times beside those of another one.
func (t readTimes) against(i int) *pairs { return &pairs{ours: t[0], theirs: t[i]} }

// compareReads has files read in turn, again and again until a round is worth measuring: what else the machine does
// then slows all of them down alike. Before each round those that begin with the first are read from the disk again, side by side: how fast
// the second read of a file is depends on which pages of memory its first read got, and so all get the like.
func (b *bench) compareReads(ctx context.Context, read read, anew int, files ...string) (readTimes, error) {
	times := make(readTimes, len(files))
	for round := range b.rounds {
		if err := readAnew(files[:anew]); err != nil {
			return nil, err
		}
		sums := make([]time.Duration, len(files))
		for total := int64(0); total < enough; {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			n := int64(0)
			for i, path := range files {
				began := time.Now()
				var err error
				if n, err = read(path, round); err != nil {
					return nil, err
				}
				sums[i] += time.Since(began)
			}
			total += max(n, 1) // they are equally long
		}
		for i, sum := range sums {
			times[i] = append(times[i], sum.Seconds())
		}
	}
	return times, nil
}

// readAnew reads files that the kernel has forgotten, each a piece, then each the next.
func readAnew(paths []string) (err error) {
	files := make([]*os.File, 0, len(paths))
	defer func() {
		for _, f := range files {
			err = errors.Join(err, f.Close())
		}
	}()
	for _, path := range paths {
		if err := forget(path); err != nil {
			return err
		}
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	p := make([]byte, chunk)
	for left := len(files); left > 0; {
		left = 0
		for _, f := range files {
			switch _, err := f.Read(p); {
			case err == nil:
				left++
			case !errors.Is(err, io.EOF):
				return err
			}
		}
	}
	return nil
}

func forget(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED), f.Close())
}

// copies are what a clip is compared with: the same bytes on the local disk, and in memory behind a bare mount.
type copies struct {
	// stored is on the disk and can be forgotten by the kernel, which has a file that it read in pieces of some 128 KiB. fresh
	// is still in memory as it was written, a MiB at once, and in pieces of as much.
	stored, fresh string
	bare          *bareMount
}

// copyOf copies a clip, and reads it and the copies until they are in memory.
func (b *bench) copyOf(ctx context.Context, path string) (c *copies, err error) {
	c = &copies{}
	defer func() {
		if err != nil {
			c.remove(&err)
		}
	}()
	if c.stored, err = b.localCopy(path); err != nil {
		return c, err
	}
	if c.fresh, err = b.localCopy(path); err != nil {
		return c, err
	}
	if c.bare, err = b.bare(ctx, c.stored); err != nil {
		return c, err
	}
	want, err := readFile(path)
	if err != nil {
		return c, err
	}
	for _, file := range []string{path, c.stored, c.fresh, c.bare.file()} {
		n, err := readFile(file)
		if err != nil {
			return c, err
		}
		if n != want {
			return c, fmt.Errorf("clip of %d bytes, %s has %d", want, file, n)
		}
	}
	return c, nil
}

func (b *bench) localCopy(path string) (_ string, err error) {
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close() }()
	out, err := os.CreateTemp(b.dir, "copy-*.mp4")
	if err != nil {
		return "", err
	}
	// Not copy_file_range, whose pieces are the kernel's to choose.
	_, err = io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{in}, make([]byte, chunk))
	return out.Name(), errors.Join(err, out.Sync(), out.Close())
}

func (c *copies) remove(err *error) {
	if c.bare != nil {
		c.bare.end(err)
	}
	for _, path := range []string{c.stored, c.fresh} {
		if path != "" {
			*err = errors.Join(*err, os.Remove(path))
		}
	}
}
