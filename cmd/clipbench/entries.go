package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"clipfs/cache"
	"clipfs/cmd/clipbench/internal/plot"
	"clipfs/cmd/internal/child"
)

const (
	// mostEntries is how many entries a very full cache has.
	mostEntries = 1_000_000
	// indexCommand is the hidden command that opens a cache and says what that took.
	indexCommand = "index"
	// entryKey is the key of the entry that all others are copies of, with a number for its digits.
	entryKey = "h-%032x"
	// entryBytes is how many bytes an entry has: a small head.
	entryBytes = 2 << 10
	// indexedLine is what the cache logs once it knows of each entry when it was used last and when it expires.
	indexedLine = "cache indexed"
)

// entriesTask starts mounts with very full caches.
func entriesTask() task {
	return task{"entries", []row{
		{name: "mount ready, 1,000,000 cache entries", limit: 0.3, unit: " s"},
		{name: "1,000,000 cache entries found, in the background", limit: 10, unit: " s"},
		{name: "1,000,000 cache entries in the order of their use, with their expiry, in the background", limit: 60, unit: " s"},
		{name: "memory of a cache entry, of 1,000,000", limit: 150, unit: " bytes"},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		dir, err := os.MkdirTemp(b.dir, "cache-")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		ready, found, indexed, bytes := newLine("ready"), newLine("entries found"), newLine("in order, with expiry"), newLine("bytes an entry")
		made := 0
		for _, n := range []int{1000, 10_000, 100_000, mostEntries} {
			if err := multiply(ctx, dir, made, n); err != nil {
				return err
			}
			made = n
			rounds := 1
			if n == mostEntries {
				rounds = b.few() // each reads a million files
			}
			var times [4][]float64
			for range rounds {
				values, err := b.startWith(ctx, dir, n)
				if err != nil {
					return err
				}
				for i, v := range values {
					times[i] = append(times[i], v)
				}
			}
			for i, l := range []*line{ready, found, indexed, bytes} {
				l.add(float64(n), median(times[i]))
				rows[i].value, rows[i].rounds = median(times[i]), map[string][]float64{"rounds": times[i]}
			}
		}
		rows[0].note = fmt.Sprintf("entries of %d bytes; the kernel had forgotten all files before each start", entryBytes)
		rows[3].note = "the heap after a collection, less that of an empty cache"
		return errors.Join(
			b.draw("start", plot.Plot{Title: "Starting with a full cache", X: "entries", Y: "seconds", Lines: lines(ready, found, indexed)}),
			b.draw("entries", plot.Plot{Title: "Memory of cache entries", X: "entries", Y: "bytes an entry", Lines: lines(bytes)}))
	}}
}

// startWith starts a mount, and the index alone, with a cache of n entries. It gives the seconds until the mount was ready, the entries were found and
// all was known of them, and the bytes of memory of an entry.
func (b *bench) startWith(ctx context.Context, dir string, n int) (values [4]float64, err error) {
	size := fmt.Sprintf("%dMiB", 16+n/64) // no entry has to go: each takes a block of 4 KiB, if not two
	forgetAll()
	m, err := b.mount(ctx, dir, "--cache-size", size)
	if err != nil {
		return values, err
	}
	values[0] = m.readyIn.Seconds()
	if err := m.stop(); err != nil {
		return values, err
	}
	forgetAll()
	self, err := os.Executable()
	if err != nil {
		return values, err
	}
	out, err := child.Output(ctx, self, indexCommand, dir)
	if err != nil {
		return values, err
	}
	var took indexing
	if err := json.Unmarshal(out, &took); err != nil {
		return values, err
	}
	if took.Entries != n {
		return values, fmt.Errorf("%d of %d entries were found", took.Entries, n)
	}
	values[1], values[2], values[3] = took.Found, took.Indexed, float64(took.Bytes)/float64(n)
	return values, nil
}

// forgetAll has the kernel forget what it knows of files, where we may tell it to.
func forgetAll() { _ = os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0) }

// multiply has a cache directory have so many entries, of which some are made. The cache itself makes the first one, and the others
// are copies of its files under names of their own.
func multiply(ctx context.Context, dir string, made, want int) error {
	first := fmt.Sprintf(entryKey, 0)
	if made == 0 {
		if err := fillCache(ctx, dir, first, entryBytes); err != nil {
			return err
		}
		made = 1
	}
	type model struct {
		path string
		text []byte
	}
	var models []model
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasPrefix(d.Name(), first) {
			return err
		}
		text, err := os.ReadFile(path)
		models = append(models, model{path, text})
		return err
	})
	if err != nil {
		return err
	}
	if len(models) == 0 {
		return errors.New("the cache has no file for its entry")
	}
	group, ctx := errgroup.WithContext(ctx)
	const workers = 4
	for w := range workers {
		group.Go(func() error {
			for i := made + w; i < want && ctx.Err() == nil; i += workers {
				for _, m := range models {
					name := strings.Replace(filepath.Base(m.path), first, fmt.Sprintf(entryKey, i), 1)
					if err := os.WriteFile(filepath.Join(filepath.Dir(m.path), name), m.text, 0o600); err != nil {
						return err
					}
				}
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// fillCache has a cache make an entry of so many bytes.
func fillCache(ctx context.Context, dir, key string, size int) (err error) {
	c, err := cache.Open(dir, cache.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	entry, err := c.Acquire(cache.Key(key), cache.Request{
		About: cache.About{Stream: camStream, Kind: "head", Start: time.Unix(1e9, 0), End: time.Unix(1e9+60, 0), Fragments: 30},
		Fill:  func(_ context.Context, w *cache.Writer) error { return w.Append(make([]byte, size)) },
	})
	if err != nil {
		return err
	}
	defer entry.Release()
	select {
	case <-entry.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	return entry.Err()
}

// indexing is what the index of a cache took: seconds, and bytes of the heap.
type indexing struct {
	Entries        int
	Found, Indexed float64
	Bytes          int64
}

func newIndexCommand(stdout io.Writer) *cobra.Command {
	return hiddenCommand(indexCommand+" DIRECTORY", "Open a cache and say how long its index took, and how much memory it has", 1,
		func(ctx context.Context, args []string) error {
			took, err := index(ctx, args[0])
			if err != nil {
				return err
			}
			return json.NewEncoder(stdout).Encode(took)
		})
}

// index opens a cache and waits until it knows all of its entries.
func index(ctx context.Context, dir string) (took indexing, err error) {
	empty := heap()
	seen := &awaited{text: indexedLine, done: make(chan struct{})}
	began := time.Now()
	c, err := cache.Open(dir, cache.Options{MaxBytes: 1 << 40, Logger: slog.New(slog.NewTextHandler(seen, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		return took, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	took.Entries = c.Stats().Whole
	took.Found = time.Since(began).Seconds()
	select {
	case <-seen.done:
	case <-ctx.Done():
		return took, ctx.Err()
	}
	took.Indexed = time.Since(began).Seconds()
	took.Bytes = heap() - empty
	return took, nil
}

// heap gives how many bytes of memory are in use.
func heap() int64 {
	for range 2 {
		runtime.GC()
	}
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// awaited takes a log, and waits for a line with a text.
type awaited struct {
	text string
	seen sync.Once
	done chan struct{}
}

// Write implements io.Writer. Each is a line.
func (a *awaited) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(a.text)) {
		a.seen.Do(func() { close(a.done) })
	}
	return len(line), nil
}
