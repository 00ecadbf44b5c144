package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openFile opens a file for reading, if it is not a link.
func openFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
}

func footerOf(path string, form Form, size int64) (Footer, error) {
	f, err := openFile(path)
	if err != nil {
		return Footer{}, err
	}
	t, err := ReadFooter(f, form.footerAt(size), size, false)
	return t, errors.Join(err, f.Close())
}

// changeTime is when an inode was last changed, in nanoseconds since 1970; 0 where that is not known.
func changeTime(info fs.FileInfo) int64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Ctim.Nano()
	}
	return 0
}

func removeAll(paths ...string) (err error) {
	for _, path := range paths {
		if e := os.Remove(path); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// InUse reports whether the kernel still holds an open file of the entry besides this one, which only reads: another
// descriptor, or a mapping, which outlives it. A lease for writing is given where there is none (fcntl(2), F_SETLEASE). Where there
// are no leases nothing is known to be in use.
func InUse(open *os.File) bool {
	if _, err := unix.FcntlInt(open.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		return errors.Is(err, unix.EAGAIN)
	}
	_, _ = unix.FcntlInt(open.Fd(), unix.F_SETLEASE, unix.F_UNLCK) // the file is closed by then or is asked of again
	return false
}
