package disk

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

// DataDir is the directory of the entries below that of the cache, oldDataDir that of the format before this one.
const DataDir, oldDataDir = "data2", "data"

// Directory is where the files of a cache are.
type Directory struct {
	logger *slog.Logger
	path   string
	// Data is the directory of the entries.
	Data string
	// Sync has the disk have the data of a file; tests have another.
	Sync func(*os.File) error
	boot boot
	// written are the pairs whose proof is due.
	written written
	lock    atomic.Pointer[os.File]
	// remaking has one place: the fill that puts something in makes the directory again, and others wait for it.
	remaking chan struct{}
}

// OpenDirectory makes the directories of a cache if need be, mode 0700, and takes the lock. ErrLocked if another process has
// it.
func OpenDirectory(path string, logger *slog.Logger) (*Directory, error) {
	d := &Directory{logger: logger, path: path, Data: filepath.Join(path, DataDir), Sync: fdatasync, boot: bootID(), remaking: make(chan struct{}, 1)}
	err := os.MkdirAll(d.Data, 0o700)
	if err == nil {
		err = os.Chmod(d.Data, 0o700)
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
func (d *Directory) create(path string) (*os.File, error) {
	const flags = os.O_RDWR | os.O_CREATE | os.O_EXCL
	f, err := os.OpenFile(path, flags, 0o600)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	d.remaking <- struct{}{}
	err = d.remake()
	<-d.remaking
	if err != nil {
		return nil, errors.Join(ErrNoDisk, err)
	}
	return os.OpenFile(path, flags, 0o600)
}

// remake makes the directory again, and takes its lock where the file of the lock has gone too. An ErrLocked if another
// process has taken the directory over.
func (d *Directory) remake() error {
	if err := os.MkdirAll(d.Data, 0o700); err != nil {
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
func (d *Directory) remove(path string) bool {
	err := os.Remove(path)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return true
	}
	d.logger.Warn("cached file cannot be removed and stays counted", "path", path, "error", err)
	return false
}

// Found is what there is in a directory of entries.
type Found struct {
	// Entries are the whole ones, the newest of each key.
	Entries []Name
	// Leftovers can be of no use, whatever is in them: growing files, halves of pairs, and all but the newest of a key.
	Leftovers []Name
}

// List reads the names of all files. Those that are not ours are left alone.
func (d *Directory) List() (f Found, err error) {
	names, err := namesIn(d.Data)
	checks := make(map[Name]bool)
	newest := make(map[Key]Name, len(names))
	var whole []Name
	for _, text := range names {
		name, ok := ParseName(text)
		switch {
		case !ok:
			d.logger.Warn("file in the cache is not ours and is left alone", "path", filepath.Join(d.Data, text))
		case name.Role == Growing, name.Size > MaxEntry:
			f.Leftovers = append(f.Leftovers, name)
		case name.Role == Checks:
			checks[name] = true
		default:
			whole = append(whole, name)
		}
	}
	drop := func(n Name) {
		f.Leftovers = append(f.Leftovers, n)
		if n.Role == Data && checks[n.as(Checks)] {
			f.Leftovers = append(f.Leftovers, n.as(Checks))
			delete(checks, n.as(Checks))
		}
	}
	for _, name := range whole {
		old, double := newest[name.Key]
		switch {
		case name.Role == Data && !checks[name.as(Checks)], double && old.Created > name.Created:
			drop(name)
			continue
		case double:
			drop(old)
		}
		newest[name.Key] = name
	}
	f.Entries = make([]Name, 0, len(newest))
	for _, name := range newest {
		f.Entries = append(f.Entries, name)
		delete(checks, name.as(Checks))
	}
	for name := range checks {
		f.Leftovers = append(f.Leftovers, name)
	}
	return f, err
}

// RemoveLeftover removes a file that List found to be of no use.
func (d *Directory) RemoveLeftover(n Name) { d.remove(d.pathOf(n)) }

func (d *Directory) pathOf(n Name) string {
	return string(n.append(append(append(make([]byte, 0, maxName+256), d.Data...), filepath.Separator)))
}

// Gone reports whether another program has removed a file.
func (d *Directory) Gone(n Name) bool {
	_, err := os.Lstat(d.pathOf(n))
	return errors.Is(err, fs.ErrNotExist)
}

// DropOld removes the entries of the format before this one, which is no longer read. Files that are not ours are left
// alone.
func (d *Directory) DropOld() {
	old := filepath.Join(d.path, oldDataDir)
	names, err := namesIn(old)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	removed := 0
	for _, text := range names {
		if name, ok := ParseName(text); ok && (name.Role == Whole || name.Role == Growing) && d.remove(filepath.Join(old, text)) {
			removed++
		}
	}
	err = errors.Join(err, os.Remove(old))
	d.logger.Info("cached footage of an older version of clipfs is dropped, as it is kept in another way now", "directory", old,
		"files", removed, "error", err)
}

// Leave tells a process that wants the directory that it will be free by then.
func (d *Directory) Leave(until time.Time) error { return writeHolder(d.lock.Load(), until) }

// Close gives the lock up. What is written and not proven stays so.
func (d *Directory) Close() error {
	d.closeWritten()
	return d.lock.Load().Close()
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
	if locked, ok := errors.AsType[*LockedError](err); ok {
		return locked.PID, true, nil
	}
	return 0, false, err
}
