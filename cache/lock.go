package cache

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// LockedError is ErrLocked with what is known of who has the directory.
type LockedError struct {
	// PID is the process that has it, 0 if that is not known.
	PID int
	// Until is when it will give the directory free at the latest, as told by Leave; zero if it has not said.
	Until time.Time
}

// Error implements error.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return ErrLocked.Error()
	}
	return fmt.Sprintf("%v (pid %d)", ErrLocked, e.PID)
}

// Is reports whether target is ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// Leave tells whoever wants the directory that it will be free by then: it is worth waiting for.
func (c *Cache) Leave(until time.Time) error {
	c.mu.Lock()
	lock := c.lock
	c.mu.Unlock()
	return writeHolder(lock, until)
}

// writeHolder writes who has the lock, and until when if that is known, to the lock's file.
func writeHolder(f *os.File, until time.Time) error {
	text := strconv.Itoa(os.Getpid())
	if !until.IsZero() {
		text += " " + until.UTC().Format(time.RFC3339Nano)
	}
	// Who reads it meanwhile sees the old text, the new one, or no number at all.
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("cache directory: %w", err)
	}
	if _, err := f.WriteAt([]byte(text+"\n"), 0); err != nil {
		return fmt.Errorf("cache directory: %w", err)
	}
	return nil
}

// readHolder reads what writeHolder wrote.
func readHolder(f *os.File) *LockedError {
	text, _ := io.ReadAll(io.LimitReader(f, 64)) // for the message and for how long to wait, only
	pid, until, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	var e LockedError
	e.PID, _ = strconv.Atoi(pid)
	e.Until, _ = time.Parse(time.RFC3339Nano, until)
	return &e
}

// lockName is the file that is locked, in the directory of a cache.
const lockName = "lock"

// lockDir takes the lock of a cache directory. The kernel drops it when the process ends, however it ends. The file
// says who has it; it stays when the lock is dropped, because removing it would let two processes lock two files.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
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
		err = readHolder(f)
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("cache directory %s: %w", dir, err)
	}
	if err := writeHolder(f, time.Time{}); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
