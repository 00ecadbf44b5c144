package cache

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// locksFile lists the locks of processes that this one can see (proc(5)).
const locksFile = "/proc/locks"

// Holder gives the process that has the cache in a directory open; held is false if none has, as far as this process can
// see: the kernel does not show those of other containers. It takes no lock itself, so that it is in nobody's way.
func Holder(dir string) (pid int, held bool, err error) {
	path := filepath.Join(dir, lockName)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("cache directory: %w", err)
	}
	defer func() { _ = f.Close() }() // only read from
	info, err := f.Stat()
	if err != nil {
		return 0, false, fmt.Errorf("cache directory: %w", err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false, fmt.Errorf("cache directory: %s: no inode", path)
	}
	written := readHolder(f).PID
	locks, err := os.Open(locksFile)
	if err != nil {
		return 0, false, fmt.Errorf("cache directory: %w", err)
	}
	defer func() { _ = locks.Close() }() // only read from
	lines := bufio.NewScanner(locks)
	for lines.Scan() {
		l, ok := parseLock(lines.Text())
		// Some filesystems have another device number here than in stat(2); then the process must be the one that wrote
		// itself into the file.
		if ok && l.inode == st.Ino && (l.device == st.Dev || l.pid == written) {
			return l.pid, true, nil
		}
	}
	return 0, false, lines.Err()
}

// flockLine is one lock of a whole file.
type flockLine struct {
	pid    int
	device uint64
	inode  uint64
}

// parseLock reads "1: FLOCK  ADVISORY  WRITE 4711 fd:00:2231 0 EOF". False if it is a lock of another kind, or one
// that only waits.
func parseLock(line string) (flockLine, bool) {
	fields := strings.Fields(line)
	if len(fields) < 6 || fields[1] != "FLOCK" {
		return flockLine{}, false
	}
	where := strings.Split(fields[5], ":")
	if len(where) != 3 {
		return flockLine{}, false
	}
	pid, err1 := strconv.Atoi(fields[4])
	major, err2 := strconv.ParseUint(where[0], 16, 32)
	minor, err3 := strconv.ParseUint(where[1], 16, 32)
	inode, err4 := strconv.ParseUint(where[2], 10, 64)
	if errors.Join(err1, err2, err3, err4) != nil {
		return flockLine{}, false
	}
	return flockLine{pid: pid, device: unix.Mkdev(uint32(major), uint32(minor)), inode: inode}, true
}
