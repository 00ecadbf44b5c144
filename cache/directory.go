package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
)

// dataDir is the directory of the entries below that of the cache.
const dataDir = "data"

// directory is where the files of a cache are.
type directory struct {
	logger *slog.Logger
	path   string
	data   string
	lock   atomic.Pointer[os.File]
	// remaking has one place: the fill that puts something in makes the directory again, and others wait for it.
	remaking chan struct{}
}

// openDirectory makes a directory if need be, and takes its lock.
func openDirectory(path string, logger *slog.Logger) (*directory, error) {
	d := &directory{logger: logger, path: path, data: filepath.Join(path, dataDir), remaking: make(chan struct{}, 1)}
	err := os.MkdirAll(d.data, 0o700)
	if err == nil {
		err = os.Chmod(d.data, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	lock, err := lockDir(path)
	if err != nil {
		return nil, err
	}
	d.lock.Store(lock)
	return d, nil
}

// create makes the file of a growing entry. Where its directory was removed beside us, that is made again first.
func (d *directory) create(path string) (*os.File, error) {
	const flags = os.O_RDWR | os.O_CREATE | os.O_EXCL
	f, err := os.OpenFile(path, flags, 0o600)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	d.remaking <- struct{}{}
	err = d.remake()
	<-d.remaking
	if err != nil {
		return nil, errors.Join(errNoDisk, err)
	}
	return os.OpenFile(path, flags, 0o600)
}

// remake makes the directory again, and takes its lock where the file of the lock has gone too. An ErrLocked if another
// process has taken the directory over.
func (d *directory) remake() error {
	if err := os.MkdirAll(d.data, 0o700); err != nil {
		return fmt.Errorf("cache directory made again: %w", err)
	}
	old := d.lock.Load()
	ours, err := old.Stat()
	if there, statErr := os.Stat(filepath.Join(d.path, lockName)); err == nil && statErr == nil && os.SameFile(ours, there) {
		return nil
	}
	lock, err := lockDir(d.path)
	if err != nil {
		return err
	}
	d.lock.Store(lock)
	d.logger.Warn("cache directory was removed and is made again", "directory", d.path)
	return old.Close()
}

// remove removes a file; false if it is still there.
func (d *directory) remove(path string) bool {
	err := os.Remove(path)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return true
	}
	d.logger.Warn("cached file cannot be removed and stays counted", "path", path, "error", err)
	return false
}

func namesIn(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	names, err := d.Readdirnames(-1)
	return names, errors.Join(err, d.Close())
}
