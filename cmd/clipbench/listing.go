package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"clipfs/cmd/internal/child"
)

const (
	// listings is how often a listing is made for one measurement.
	listings = 10
	// manyEntries is how many entries a full cache has.
	manyEntries = 10_000
)

func listTask() task {
	return task{"list", []row{
		{name: "`ls -l` of a day, warm", against: "the same tree on the local disk", limit: 10},
		{name: "`ls -lR` of an hour of it, warm", against: "the same tree on the local disk", limit: 5},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		m, err := b.mount(ctx, "", "--metadata-ttl", "10m")
		if err != nil {
			return err
		}
		defer m.end(&err)
		date := b.newest.Add(-48 * time.Hour).Format(time.DateOnly)
		day := filepath.Join(m.path, camStream, date)
		return b.listings(ctx, rows, []listed{{"-l", day, 1}, {"-lR", filepath.Join(day, date+"T12"), 2}})
	}}
}

// listed is a directory of a mount that is listed with a flag of ls, and how deep.
type listed struct {
	flag, dir string
	depth     int
}

// listings compares listings, a row each, with those of the same trees on the local disk.
func (b *bench) listings(ctx context.Context, rows []row, all []listed) error {
	for i, l := range all {
		local, err := os.MkdirTemp(b.dir, "tree-")
		if err != nil {
			return err
		}
		entries, err := copyTree(l.dir, local, l.depth)
		if err != nil {
			return err
		}
		if _, err := b.list(l.flag, l.dir)(ctx, 0); err != nil { // warms it up
			return err
		}
		p, err := b.alternate(ctx, b.list(l.flag, l.dir), b.list(l.flag, local))
		if err != nil {
			return err
		}
		rows[i].value, rows[i].rounds = p.longer(), p.raw()
		rows[i].note = p.note() + fmt.Sprintf(", %d times ls in each; %d entries", listings, entries)
	}
	return nil
}

func (b *bench) list(flag, dir string) timed {
	return func(ctx context.Context, _ int) (time.Duration, error) {
		began := time.Now()
		for range listings {
			if _, err := child.Output(ctx, "ls", flag, dir); err != nil {
				return 0, err
			}
		}
		return time.Since(began), nil
	}
}

// copyTree makes a tree with the names of another one down to a depth, of empty files, and gives how many entries it has.
func copyTree(from, to string, depth int) (n int, err error) {
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == from {
			return err
		}
		n++
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			err := os.Mkdir(filepath.Join(to, name), 0o755)
			if err == nil && strings.Count(name, string(filepath.Separator))+1 == depth {
				err = filepath.SkipDir
			}
			return err
		}
		return os.WriteFile(filepath.Join(to, name), nil, 0o444)
	})
	return n, err
}

func readyTask() task {
	return task{"ready", []row{
		{name: "mount ready, empty cache", limit: 0.3, unit: " s"},
		{name: "mount ready, 10,000 cache entries", limit: 0.3, unit: " s"},
		{name: "mount ready, 10,000 cache entries", against: "empty cache", limit: 1.2},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		full, err := os.MkdirTemp(b.dir, "cache-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(full) }()
		if err := multiply(ctx, full, 0, manyEntries); err != nil {
			return err
		}
		ready := func(ctx context.Context, cache string) (time.Duration, error) {
			m, err := b.mount(ctx, cache)
			if err != nil {
				return 0, err
			}
			if cache == "" {
				defer m.end(&err)
			} else {
				defer func() { _ = m.stop() }()
			}
			return m.readyIn, nil
		}
		p, err := b.alternate(ctx, func(ctx context.Context, _ int) (time.Duration, error) { return ready(ctx, full) },
			func(ctx context.Context, _ int) (time.Duration, error) { return ready(ctx, "") })
		if err != nil {
			return err
		}
		rows[0].value, rows[1].value, rows[2].value = median(p.theirs), median(p.ours), p.longer()
		rows[2].note = p.note() + "; from the start of the process to when it serves"
		return nil
	}}
}
