package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"
)

// create makes the file of a growing entry. Where its directory was removed beside us that is made anew first.
func (c *Cache) create(path string) (*os.File, error) {
	const flags = os.O_RDWR | os.O_CREATE | os.O_EXCL
	f, err := os.OpenFile(path, flags, 0o600)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := c.remake(); err != nil {
		return nil, errors.Join(errNoDisk, err)
	}
	return os.OpenFile(path, flags, 0o600)
}

// remake makes the directory anew, and takes its lock again where the file of the lock has gone too. If another process
// has taken the directory over, it is left to that.
func (c *Cache) remake() error {
	c.remaking.Lock()
	defer c.remaking.Unlock()
	if err := os.MkdirAll(c.data, 0o700); err != nil {
		return fmt.Errorf("cache directory made anew: %w", err)
	}
	dir := filepath.Dir(c.data)
	c.mu.Lock()
	old := c.lock
	c.mu.Unlock()
	if sameFile(old, filepath.Join(dir, lockName)) {
		return nil
	}
	lock, err := lockDir(dir)
	c.mu.Lock()
	if err == nil {
		c.lock = lock
	} else {
		c.failing = time.Unix(math.MaxInt32, 0)
	}
	c.mu.Unlock()
	if err != nil {
		return err
	}
	c.logger.Warn("cache directory was removed and is made anew", "directory", dir)
	return old.Close()
}

// sameFile reports whether a path leads to the file that is open.
func sameFile(f *os.File, path string) bool {
	a, errA := f.Stat()
	b, errB := os.Stat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}
