package cache

import (
	"errors"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// space is the free space of a file system, which caches beside each other share.
type space struct {
	minFree    int64
	minPercent float64
	statfs     statfs
	// unwritten is how many bytes were taken that are perhaps not written yet.
	unwritten atomic.Int64
}

// statfs tells how many bytes of a directory's file system are free for us, and how many it has.
type statfs func(dir string) (free, total int64, err error)

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

// take makes sure that n bytes can be written to dir. If not, missing is how many bytes have to be freed. Otherwise the
// caller has to call wrote when they are in the file system's count, or will not come. It asks the kernel, so no lock may
// be held.
func (s *space) take(dir string, n int64) (missing int64) {
	if missing = s.missing(dir, s.unwritten.Add(n)); missing > 0 {
		s.wrote(n)
	}
	return missing
}

func (s *space) wrote(n int64) { s.unwritten.Add(-n) }

// missing returns how many bytes have to be freed so that n more leave enough. Where statfs fails it is none: then write
// errors tell.
func (s *space) missing(dir string, n int64) int64 {
	if s.minFree <= 0 && s.minPercent <= 0 {
		return 0
	}
	free, total, err := s.statfs(dir)
	if err != nil {
		return 0
	}
	keep := max(s.minFree, int64(s.minPercent/100*float64(total)))
	return max(0, n+keep-free)
}

// memory is what entries may take of memory, which caches beside each other share.
type memory struct {
	max  int64
	used atomic.Int64
}

func (m *memory) take(n int64) bool {
	for {
		used := m.used.Load()
		if used > m.max-n {
			return false
		}
		if m.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}
