package cache

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

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
