package fs

import (
	"context"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"golang.org/x/sys/unix"
)

var (
	_ gofuse.FileLseeker = (*clipHandle)(nil)
	_ gofuse.FileLseeker = textHandle(nil)
)

// Lseek implements gofuse.FileLseeker.
func (h *clipHandle) Lseek(_ context.Context, off uint64, whence uint32) (uint64, syscall.Errno) {
	return seekHole(uint64(h.handle.Size()), off, whence)
}

// Lseek implements gofuse.FileLseeker.
func (h textHandle) Lseek(_ context.Context, off uint64, whence uint32) (uint64, syscall.Errno) {
	return seekHole(uint64(len(h)), off, whence)
}

// seekHole answers lseek(2) for SEEK_DATA and SEEK_HOLE in a file without holes: the only one is at its end, and from
// there on there is neither, as on a local disk.
func seekHole(size, off uint64, whence uint32) (uint64, syscall.Errno) {
	if off >= size {
		return 0, syscall.ENXIO
	}
	switch whence {
	case unix.SEEK_DATA:
		return off, 0
	case unix.SEEK_HOLE:
		return size, 0
	}
	return 0, syscall.EINVAL
}
