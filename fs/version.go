package fs

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"clipfs/fs/tree"
)

const (
	// sentBackFor is how long a caller counts as sent back with ESTALE: the VFS opens again at once, but its lookups
	// on the way may have to ask the archive.
	sentBackFor = 30 * time.Second
	// maxSentBack bounds how many callers are remembered of one version: threads that open one clip in the same moment.
	// One beyond that would see a second ESTALE, which nothing catches.
	maxSentBack = 4096
	// settling is how long it takes at most, once an answer was made, until the kernel has it.
	settling = 10 * time.Millisecond
	// notTold says that the kernel holds an estimate or nothing.
	notTold = -1
)

// version is one immutable version of the file at a path: what an inode stands for, and what the kernel was told of
// it. All fileNodes of one inode share it.
type version struct {
	file *tree.File
	ino  uint64
	gen  uint64
	// waited is how long callers waited, in nanoseconds, that were sent back to open once more.
	waited atomic.Int64

	// mu guards the rest.
	mu sync.Mutex
	// exact is the size, once it is known; notTold before.
	exact int64
	// told is the size that the kernel was last given as exact, or notTold; toldAt is when that was first.
	told   int64
	toldAt time.Time
	// estimated says that the kernel was given an estimate too, recalled that it was told to forget that.
	estimated, recalled bool
	sentBack            []caller
}

// caller is a thread that was answered ESTALE, and when.
type caller struct {
	pid uint32
	at  time.Time
}

// tell gives the size to answer a LOOKUP or GETATTR with, and notes that the kernel has it. In whatever order the
// kernel handles concurrent answers, it never goes back from an exact size to an estimate: it drops an answer to a
// question older than its attributes (fs/fuse/inode.c, attr_version).
func (v *version) tell() (size int64, exact bool) {
	size, exact = v.file.Size()
	v.mu.Lock()
	defer v.mu.Unlock()
	if exact && v.exact == notTold {
		v.exact = size
	}
	if v.exact == notTold {
		v.estimated = true
		return size, false
	}
	if v.told != v.exact {
		v.told, v.toldAt = v.exact, time.Now()
	}
	return v.exact, true
}

// settle is called when an OPEN by pid has brought the exact size. It reports whether the caller must look the name up
// again first, because the kernel holds another size or may still do so: then the OPEN is to be answered ESTALE.
//
// It sends a caller back once: one that comes again has looked the name up, or got here by another way than a path
// (through /proc/PID/fd, for example) and would see the ESTALE. The answer to another caller's LOOKUP may be on its way
// to the kernel for a moment, so it does not count before that has passed. Callers without a pid cannot be told apart:
// they are sent back until the exact size was given.
func (v *version) settle(size int64, pid uint32, now time.Time) (again bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.exact = size
	if pid == unknownPID {
		return v.told != size
	}
	if v.cameBackLocked(pid, now) {
		return false
	}
	if v.told == size && (!v.estimated || now.Sub(v.toldAt) >= settling) {
		return false
	}
	if len(v.sentBack) == maxSentBack {
		v.sentBack = append(v.sentBack[:0], v.sentBack[1:]...)
	}
	v.sentBack = append(v.sentBack, caller{pid, now})
	return true
}

// recall is called by an OPEN between settle and its answer. Where the kernel was given an estimate it may still keep that:
// ask has it forget the attributes of the inode, and drop those that are on their way to it (fs/fuse/inode.c,
// fuse_reverse_inval_inode). No answer is an estimate after that.
func (v *version) recall(ask func()) {
	v.mu.Lock()
	kept := v.estimated && !v.recalled
	v.mu.Unlock()
	if !kept {
		return
	}
	ask()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.recalled = true
}

// cameBackLocked reports whether a caller was sent back, and forgets that: its next OPEN is another one. A caller that
// never comes back is forgotten after a while.
func (v *version) cameBackLocked(pid uint32, now time.Time) bool {
	came := false
	v.sentBack = slices.DeleteFunc(v.sentBack, func(c caller) bool {
		late := now.Sub(c.at) >= sentBackFor
		came = came || c.pid == pid && !late
		return c.pid == pid || late
	})
	return came
}
