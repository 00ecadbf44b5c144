package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// dayFragments is how many fragments 24 h of the day stream have.
	dayFragments = 24 * 3600 / 20
	// openPoints is how many quota points a second opening a clip may use without other readers: all of GetClip's.
	openPoints = 500
)

// dayStart is where clips of 24 h begin.
func (b *bench) dayStart() time.Time { return b.newest.Add(-26 * time.Hour) }

func openOnce(path string) (time.Duration, error) {
	began := time.Now()
	f, err := os.Open(path)
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	return took, f.Close()
}

func dayTask() task {
	return task{"day", []row{
		{name: "cold open of a 24 h clip", against: "fragments ÷ allowed points per second", limit: 1.1},
	}, func(ctx context.Context, b *bench, rows []row) error {
		var times []float64
		for range b.rounds {
			took, err := b.coldOpen(ctx)
			if err != nil {
				return err
			}
			times = append(times, took.Seconds())
		}
		rows[0].value = median(times) / (float64(dayFragments) / openPoints)
		rows[0].note = fmt.Sprintf("%s for %d fragments of 20 s; opening may use %d points a second, all of the quota while nobody else reads", seconds(median(times)),
			dayFragments, openPoints)
		return nil
	}}
}

func (b *bench) coldOpen(ctx context.Context) (took time.Duration, err error) {
	if err := b.rest(ctx); err != nil {
		return 0, err
	}
	m, err := b.mount(ctx, "")
	if err != nil {
		return 0, err
	}
	defer m.end(&err)
	return openOnce(m.clip(dayStream, b.dayStart(), "24h"))
}

// headerTask: the CPU time of making the head of 24 h from the heads of its parts, all of them on disk.
func headerTask() task {
	return task{"header", []row{
		{name: "header of a 24 h clip (30 fps + AAC) from its heads", against: "CPU time", limit: 2, unit: " s"},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		cache, err := os.MkdirTemp(b.dir, "cache-")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(cache)) }()
		var times, waits []float64
		for i := range b.rounds + 1 { // the first one fetches the heads
			if err := removeHeaders(cache); err != nil {
				return err
			}
			used, took, err := b.headerOnce(ctx, cache)
			if err != nil {
				return err
			}
			if i > 0 {
				times, waits = append(times, used.Seconds()), append(waits, took.Seconds())
			}
		}
		rows[0].value = median(times)
		rows[0].note = fmt.Sprintf("CPU time of the mount's process, user and kernel, from open(2) until all of the head was read, which took %s; the heads of the parts on disk, after a restart", seconds(median(waits)))
		return nil
	}}
}

func (b *bench) headerOnce(ctx context.Context, cache string) (used, took time.Duration, err error) {
	m, err := b.mount(ctx, cache)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, m.stop()) }()
	path := m.clip(dayStream, b.dayStart(), "24h")
	if _, err := os.Stat(path); err != nil {
		return 0, 0, err
	}
	before, err := m.cpu()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	// Opening waits for its size only: it is there once all of it can be read.
	_, _, err = scanHead(f)
	took = time.Since(began)
	if err := errors.Join(err, f.Close()); err != nil {
		return 0, 0, err
	}
	after, err := m.cpu()
	if err == nil && !strings.Contains(m.process.Log(), "msg=joined") {
		err = errors.New("the clip was opened without joining its heads")
	}
	return after - before, took, err
}

// removeHeaders takes the heads of joined files out of a cache that no mount has: their keys begin with "j-".
func removeHeaders(cache string) error {
	return filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasPrefix(d.Name(), "j-") {
			err = os.Remove(path)
		}
		return err
	})
}
