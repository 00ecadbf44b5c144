package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

const (
	// dayReaders read a clip of 24 h at once, each so many bytes a second, for so long.
	dayReaders   = 4
	readerRate   = 12 << 20
	readFor      = 60 * time.Second
	sampledEvery = 200 * time.Millisecond
)

func memoryTask() task {
	return task{"memory", []row{
		{name: "resident memory, 4 readers of a 24 h clip, the most", limit: 64, unit: " MiB"},
		{name: "resident memory, 4 readers of a 24 h clip, flat: end over beginning", limit: 1.1},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		if err := b.rest(ctx); err != nil {
			return err
		}
		m, err := b.mount(ctx, "", "--cache-size", "2GiB")
		if err != nil {
			return err
		}
		defer m.end(&err)
		path := m.clip(dayStream, b.dayStart(), "24h")
		if _, err := openOnce(path); err != nil {
			return err
		}
		_, opened, err := m.resident()
		if err != nil {
			return err
		}
		samples, read, err := b.readDay(ctx, m, path)
		if err != nil {
			return err
		}
		_, most, err := m.resident()
		if err != nil {
			return err
		}
		n := len(samples)
		early, late := median(samples[n/4:n/2]), median(samples[n-n/4:])
		rows[0].value = most
		rows[0].note = fmt.Sprintf("%.1f MiB at most while it was opened (cold, 4,320 fragments of 20 s), then %s of reading at %d MiB/s each, %.2f GB in all, with medians of %.1f MiB in the second quarter and %.1f MiB in the last",
			opened, readFor, readerRate>>20, float64(read)/1e9, early, late)
		rows[1].value, rows[1].note = late/early, "median of the last quarter of the time over that of the second"
		return nil
	}}
}

// readDay has several readers read a clip from different places on, and gives the mount's resident memory over time.
func (b *bench) readDay(ctx context.Context, m *mount, path string) (samples []float64, read int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	var total atomic.Int64
	var group errgroup.Group
	for i := range dayReaders {
		group.Go(func() error { return readPaced(ctx, path, float64(i)/dayReaders, &total) })
	}
	for tick := time.Tick(sampledEvery); ctx.Err() == nil; {
		select {
		case <-tick:
			now, _, err := m.resident()
			if err != nil {
				cancel()
				return nil, 0, errors.Join(err, group.Wait())
			}
			if samples = append(samples, now); len(samples) == int(readFor/sampledEvery*3/4) {
				m.heapProfile()
			}
		case <-ctx.Done():
		}
	}
	err = group.Wait()
	if len(samples) < 8 {
		err = errors.Join(err, errors.New("stopped early"))
	}
	return samples, total.Load(), err
}

// readPaced reads a file from a share of it on, no faster than readers do, until ctx ends.
func readPaced(ctx context.Context, path string, from float64, total *atomic.Int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	off := int64(from * float64(info.Size()))
	limiter := rate.NewLimiter(readerRate, chunk)
	for p := make([]byte, chunk); limiter.WaitN(ctx, chunk) == nil; {
		n, err := f.ReadAt(p, off)
		total.Add(int64(n))
		if off += int64(n); errors.Is(err, io.EOF) {
			off, err = 0, nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
