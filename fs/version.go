package fs

import (
	"sync"
	"time"

	"clipfs/clip"
)

const (
	// sentBackFor is how long a caller counts as sent back with ESTALE: the VFS opens again at once, but its lookups
	// on the way may have to ask the archive.
	sentBackFor = 30 * time.Second
	// maxSentBack bounds how many callers are remembered of one version.
	maxSentBack = 64
	// unknownPID is the pid of a caller in another pid namespace.
	unknownPID = 0
	// notTold says that the kernel holds an estimate or nothing.
	notTold = -1
)

// version is one immutable version of the clip at a path: what an inode stands for, and what the kernel was told of
// it. All clipNodes of one inode share it.
type version struct {
	clip *clip.Clip
	ino  uint64
	gen  uint64

	// mu guards the rest.
	mu sync.Mutex
	// exact is the size, once it is known; notTold before.
	exact int64
	// told is the size that the kernel was last given as exact, or notTold.
	told     int64
	sentBack []caller
}

// caller is who was answered ESTALE, and when.
type caller struct {
	pid uint32
	at  time.Time
}

// newVersion gives the version of a clip of which the kernel knows nothing.
func newVersion(c *clip.Clip, ino, gen uint64) *version {
	return &version{clip: c, ino: ino, gen: gen, exact: notTold, told: notTold}
}

// tell gives the size to answer a LOOKUP or GETATTR with, and notes that the kernel has it. Whichever order the
// kernel handles concurrent answers in, it never goes back from an exact size to an estimate: an answer to a question
// older than its attributes is dropped (fs/fuse/inode.c, attr_version).
func (v *version) tell() (size int64, exact bool) {
	size, exact = v.clip.Size()
	v.mu.Lock()
	defer v.mu.Unlock()
	if exact && v.exact == notTold {
		v.exact = size
	}
	if v.exact == notTold {
		return size, false
	}
	v.told = v.exact
	return v.exact, true
}

// settle is called when an OPEN by pid has brought the exact size. It reports whether the kernel must look the name up
// again first, because it holds another size: then the OPEN is to be answered ESTALE. It asks so of a caller once: one
// that comes again without the kernel having looked the name up got here by another way than a path (for example
// through /proc/PID/fd) and would see the ESTALE. Callers without a pid cannot be told apart and are always sent back.
func (v *version) settle(size int64, pid uint32, now time.Time) (again bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.exact = size
	if v.told == size {
		return false
	}
	if pid == unknownPID {
		return true
	}
	kept := v.sentBack[:0]
	known := false
	for _, c := range v.sentBack {
		switch {
		case c.pid == pid && now.Sub(c.at) < sentBackFor:
			known = true // and is forgotten: the next time is another open
		case now.Sub(c.at) < sentBackFor:
			kept = append(kept, c)
		}
	}
	v.sentBack = kept
	if known {
		return false
	}
	if len(v.sentBack) == maxSentBack {
		v.sentBack = append(v.sentBack[:0], v.sentBack[1:]...)
	}
	v.sentBack = append(v.sentBack, caller{pid, now})
	return true
}

// sizeKind says whether the size is known: "exact" or "estimate".
func (v *version) sizeKind() string {
	_, exact := v.clip.Size()
	v.mu.Lock()
	defer v.mu.Unlock()
	if exact || v.exact != notTold {
		return "exact"
	}
	return "estimate"
}
