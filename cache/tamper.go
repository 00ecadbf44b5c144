package cache

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// changeTime gives when a file's inode was last changed: whoever writes to the file, or sets its times, changes that.
func changeTime(info fs.FileInfo) unix.Timespec {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return unix.Timespec{Sec: s.Ctim.Sec, Nsec: s.Ctim.Nsec}
	}
	return unix.Timespec{}
}

// noteChange remembers the change time of a file after we have changed it ourselves: made it whole, or set its times.
func (c *Cache) noteChange(b *body, f *os.File) {
	var changed unix.Timespec
	if f != nil { // not of one in memory
		if info, err := f.Stat(); err == nil {
			changed = changeTime(info)
		}
	}
	c.mu.Lock()
	b.changed = changed
	c.mu.Unlock()
}

// trust reports whether the bytes of a file that was opened need no checks. Of one that others have changed since we
// closed it, nothing that was checked before counts.
func (c *Cache) trust(b *body, changed unix.Timespec) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.changed != (unix.Timespec{}) && b.changed != changed {
		b.found, b.proven = true, nil
	}
	return !b.found || b.proven != nil && b.proven.whole()
}

// doubt looks at a file that is about to be closed: if others have changed it while it was open, nothing of it is believed
// from then on.
func (c *Cache) doubt(b *body, f *os.File) {
	info, err := f.Stat()
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.changed != (unix.Timespec{}) && b.changed != changeTime(info) {
		b.found, b.proven = true, nil
	}
}
