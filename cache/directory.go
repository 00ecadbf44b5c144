package cache

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
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

// lockName is the file that is locked, in the directory of a cache.
const lockName = "lock"

// LockedError is ErrLocked with what is known of the process that has the directory.
type LockedError struct {
	// PID is that process, 0 if it is not known.
	PID int
	// Until is when it will release the directory at the latest, as told by Leave; zero if it has not said.
	Until time.Time
}

// Error names the process, if it is known.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return ErrLocked.Error()
	}
	return fmt.Sprintf("%v (pid %d)", ErrLocked, e.PID)
}

// Is reports whether target is ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

func writeHolder(f *os.File, until time.Time) error {
	text := strconv.Itoa(os.Getpid())
	if !until.IsZero() {
		text += " " + until.UTC().Format(time.RFC3339Nano)
	}
	// A reader meanwhile sees the old text, the new one, or no number at all.
	err := f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(text+"\n"), 0)
	}
	if err != nil {
		return fmt.Errorf("cache directory: %w", err)
	}
	return nil
}

func readHolder(f *os.File) *LockedError {
	text, _ := io.ReadAll(io.LimitReader(f, 64)) // only for the message and for how long to wait
	pid, until, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	var e LockedError
	e.PID, _ = strconv.Atoi(pid)
	e.Until, _ = time.Parse(time.RFC3339Nano, until)
	return &e
}

// flock takes the lock of a file, in one of the ways of flock(2), and never waits for it. It is a LockedError if another
// process has it.
func flock(f *os.File, how int) error {
	for {
		switch err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return readHolder(f)
		default:
			return err
		}
	}
}

// lockDir takes the lock of a cache directory. The kernel drops it when the process ends, however it ends. The file
// says which process has it. It stays when the lock is dropped, because removing it would let two processes lock two files.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cache directory: %w", err)
	}
	if err := flock(f, unix.LOCK_EX); err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("cache directory %s: %w", dir, err)
	}
	if err := writeHolder(f, time.Time{}); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Holder returns the process that has the cache in a directory open; held is false if there is none. It has the lock for a
// moment, shared with others that ask: a mount that starts just then finds the directory in use, and has to try again.
func Holder(dir string) (pid int, held bool, err error) {
	f, err := os.Open(filepath.Join(dir, lockName))
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("cache directory: %w", err)
	}
	defer func() { _ = f.Close() }() // which drops the lock
	err = flock(f, unix.LOCK_SH)
	var locked *LockedError
	if errors.As(err, &locked) {
		return locked.PID, true, nil
	}
	return 0, false, err
}
