package cache

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lockDir takes the lock of a cache directory. The kernel drops it when the process ends, however it ends. The file
// says who has it; it stays when the lock is dropped, because removing it would let two processes lock two files.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		pid, _ := io.ReadAll(io.LimitReader(f, 16)) // for the message only
		err = fmt.Errorf("%w (pid %s)", ErrLocked, strings.TrimSpace(string(pid)))
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("cache directory %s: %w", dir, err)
	}
	if err = f.Truncate(0); err == nil {
		_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cache directory: %w", err), f.Close())
	}
	return f, nil
}

// found is a whole file that scan has come across.
type found struct {
	body *body
	used time.Time
}

// scan fills the index from the data directory and removes what cannot be used: growing files, files that are shorter
// or longer than their names say, all but the newest of a key. It runs before anybody else has the cache.
func (c *Cache) scan() error {
	files, err := os.ReadDir(c.data)
	if err != nil {
		return fmt.Errorf("cache directory: %w", err)
	}
	newest := make(map[Key]found, len(files))
	removed := 0
	for _, file := range files {
		name, ok := parseFileName(file.Name())
		if !ok {
			c.logger.Warn("file in the cache is not ours and is left alone", "path", filepath.Join(c.data, file.Name()))
			continue
		}
		path := filepath.Join(c.data, file.Name())
		info, err := file.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		old, double := newest[name.key]
		switch {
		case err != nil, name.size < 0, !info.Mode().IsRegular(), info.Size() != name.size,
			double && old.body.created > name.created:
			c.remove(path)
			removed++
			continue
		case double:
			c.remove(old.body.path)
			removed++
		}
		newest[name.key] = found{body: foundBody(name, path), used: info.ModTime()}
	}
	c.index(newest)
	c.logger.Debug("cache opened", "entries", len(newest), "bytes", c.used, "leftovers", removed)
	return nil
}

// index puts what scan found in the index, least recently used first, and evicts what goes past the budget.
func (c *Cache) index(newest map[Key]found) {
	order := make([]found, 0, len(newest))
	for _, f := range newest {
		order = append(order, f)
	}
	slices.SortFunc(order, func(a, b found) int {
		return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.body.created, b.body.created),
			cmp.Compare(a.body.key, b.body.key))
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range order {
		c.whole[f.body.key] = f.body
		c.idle.Add(f.body.key, f.body)
		c.used += f.body.cost
	}
	if c.used > c.maxBytes {
		c.evictLocked(c.used - c.maxBytes)
	}
}
