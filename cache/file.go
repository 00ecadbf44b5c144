package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// file is what is known of the file of one entry.
type file struct {
	// path is changed by the entry's fill, before the entry is whole. No other goroutine uses it earlier.
	path string

	// mu guards the rest.
	mu sync.Mutex
	// checked is what was checked of a file that was there at the start, or that another program has changed since. Nil
	// otherwise: the bytes are trusted.
	checked *checked
	// changed is when the inode was last changed, as of our own last change; zero where that is not known. Writing to the
	// file and setting its times change it.
	changed unix.Timespec
}

func changeTime(info fs.FileInfo) unix.Timespec {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return unix.Timespec{Sec: s.Ctim.Sec, Nsec: s.Ctim.Nsec}
	}
	return unix.Timespec{}
}

// unchecked returns what was checked of the file of an entry of so many bytes, nil if nothing has to be. Where another
// program has changed the file, no earlier check counts.
func (f *file) unchecked(info fs.FileInfo, size int64) *checked {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed != (unix.Timespec{}) && f.changed != changeTime(info) {
		f.checked = newChecked(size)
	}
	if f.checked == nil || f.checked.whole() {
		return nil
	}
	return f.checked
}

// settled remembers the change time after our own last change.
func (f *file) settled(open *os.File) {
	info, err := open.Stat()
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changed = changeTime(info)
}

// open opens the file of a whole entry of so many bytes. It reads the footer unless the bytes are trusted; said is then
// what it says. errStale if the file is missing or not what its name says.
func (f *file) open(size int64, buffers *sync.Pool) (s *storage, said *footer, err error) {
	open, err := openFile(f.path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ELOOP) {
		return nil, nil, fmt.Errorf("%w: %w", errStale, err)
	}
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			_ = open.Close() // only read from
		}
	}()
	info, err := open.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() || info.Size() != fileSize(size) {
		return nil, nil, fmt.Errorf("%w: %d bytes, want %d", errStale, info.Size(), fileSize(size))
	}
	checked := f.unchecked(info, size)
	if checked == nil {
		return newStorage(open, nil), nil, nil
	}
	t, err := readFooter(open, size, true)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errStale, err)
	}
	return newStorage(open, &checks{size: size, sums: t.sums, checked: checked, buffers: buffers}), &t, nil
}

// use sets the file's times, which is how the order of use outlives the process.
func (f *file) use(open *os.File, when time.Time) error {
	err := os.Chtimes(f.path, when, when)
	f.settled(open)
	return err
}

// close closes the file of a whole entry of so many bytes. Where another program has changed it meanwhile, it is trusted
// no longer.
func (f *file) close(open *os.File, size int64, used time.Time) error {
	if info, err := open.Stat(); err == nil {
		f.unchecked(info, size)
	}
	return errors.Join(f.use(open, used), open.Close())
}

// openFile opens a file for reading, if it is not a link.
func openFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
}

func footerOf(path string, size int64) (footer, error) {
	f, err := openFile(path)
	if err != nil {
		return footer{}, err
	}
	t, err := readFooter(f, size, false)
	return t, errors.Join(err, f.Close())
}
