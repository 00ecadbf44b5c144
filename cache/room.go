package cache

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"
)

// room is what caches share that are beside each other: memory, and the free space of their file system.
type room struct {
	minFree    int64
	minPercent float64
	maxMemory  int64
	statfs     statfs

	// mu guards the rest.
	mu     sync.Mutex
	memory int64
	// unwritten is how many bytes were taken from the disk that are perhaps not yet written.
	unwritten int64
}

// statfs tells how many bytes of a directory's file system are free for us, and how many it has.
type statfs func(dir string) (free, total int64, err error)

// statfsOf asks the kernel.
func statfsOf(dir string) (free, total int64, err error) {
	var st unix.Statfs_t
	for {
		if err = unix.Statfs(dir, &st); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	unit := st.Frsize
	if unit == 0 {
		unit = st.Bsize
	}
	return int64(st.Bavail) * unit, int64(st.Blocks) * unit, err
}

// newRoom gives what a cache with these options has for itself and those beside it.
func newRoom(o Options) *room {
	r := &room{minFree: o.MinFree, minPercent: o.MinFreePercent, maxMemory: o.MemoryBytes, statfs: o.statfs}
	if r.statfs == nil {
		r.statfs = statfsOf
	}
	return r
}

// takeMemory takes n bytes; false if there are not so many left.
func (r *room) takeMemory(n int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.memory > r.maxMemory-n {
		return false
	}
	r.memory += n
	return true
}

// giveMemory gives n bytes back.
func (r *room) giveMemory(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.memory -= n
}

// takeDisk makes sure that n bytes can be written to dir; what is missing is more than 0 if not. Otherwise the caller
// has to call wrote when they are, or will not be. It asks the kernel, so no lock may be held.
func (r *room) takeDisk(dir string, n int64) (missing int64) {
	r.mu.Lock()
	r.unwritten += n
	sum := r.unwritten
	r.mu.Unlock()
	if missing = r.missing(dir, sum); missing > 0 {
		r.wrote(n)
	}
	return missing
}

// wrote tells that n bytes that were taken are in the file system's count now, or will not come.
func (r *room) wrote(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unwritten -= n
}

// missing gives how many bytes have to be freed so that n more leave enough. A file system that does not tell is
// taken at the word of its write errors.
func (r *room) missing(dir string, n int64) int64 {
	if r.minFree <= 0 && r.minPercent <= 0 {
		return 0
	}
	free, total, err := r.statfs(dir)
	if err != nil {
		return 0
	}
	keep := max(r.minFree, int64(r.minPercent/100*float64(total)))
	return max(0, n+keep-free)
}
