package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"clipfs/clip/archive"
	"clipfs/fs/pages"
	"clipfs/fs/tree"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// fileHandle is an open file. It stays with the version that it was opened on.
type fileHandle struct {
	face    *face
	content tree.Reader
	path    string
	// opener opened it, and stands for whoever reads; waited is how long it waited for that.
	opener archive.Operation
	waited time.Duration
	// begun says that something was read.
	begun atomic.Bool
	// lent is the file of which pages were last handed on, copies that the kernel gives none of this content.
	lent   atomic.Pointer[pages.File]
	copies atomic.Bool
}

var (
	_ gofuse.FileReader   = (*fileHandle)(nil)
	_ gofuse.FileReleaser = (*fileHandle)(nil)
	_ gofuse.FileFsyncer  = (*fileHandle)(nil)
	_ gofuse.FileLseeker  = (*fileHandle)(nil)
)

// Read gives all the bytes asked for that the file has, or an error: the kernel takes fewer bytes for the end of the
// file. Reading a text in memory is no operation.
func (h *fileHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	left := h.content.Size() - off
	if left <= 0 || off < 0 {
		return fuse.ReadResultData(nil), 0
	}
	if int64(len(dest)) > left {
		dest = dest[:left]
	}
	if text, ok := h.content.(tree.Text); ok {
		return h.face.replies.of(text[off : off+int64(len(dest))]), 0
	}
	begun := time.Now()
	waiting := h.face.waits.begin(ctx, h.face.operations.again(h.opener))
	defer h.face.waits.end(waiting)
	answer, n, err := h.answer(waiting, dest, off)
	if n == len(dest) {
		h.served(waiting, begun, off, n)
		return answer, 0
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = fmt.Errorf("read at %d: %d bytes of %d: %w", off, n, len(dest), io.ErrUnexpectedEOF)
	}
	errno := h.face.report.errno(waiting, "read", h.path, err)
	h.face.operations.read(waiting, h.path, begun, off, n, errno)
	return nil, errno
}

// answer gives the bytes from a position on: those that are on the disk as the kernel has them, others in dest. n is how many there are; if
// it is less than asked for there is no answer.
func (h *fileHandle) answer(ctx context.Context, dest []byte, off int64) (answer fuse.ReadResult, n int, err error) {
	run, n := h.lend(dest, off)
	if run != nil {
		return handed{run}, run.Size(), nil
	}
	if n < len(dest) {
		more, err := h.content.ReadAt(ctx, dest[n:], off+int64(n))
		if n += more; n < len(dest) {
			return nil, n, err
		}
	}
	return h.face.replies.of(dest), n, nil
}

// lend gives the bytes from a position on as they are on the disk, where a large read lies in one file. Else it reads as many as are in files, n of
// them.
func (h *fileHandle) lend(dest []byte, off int64) (run *pages.Run, n int) {
	disk, ok := h.content.(tree.OnDisk)
	if !ok || h.copies.Load() || !pages.Fits(len(dest)) {
		return nil, 0
	}
	for n < len(dest) {
		file, at, length := disk.OnDisk(off+int64(n), int64(len(dest)-n))
		if length <= 0 {
			break
		}
		if int(length) == len(dest) {
			run, err := h.runOf(file, at, len(dest))
			if err == nil {
				return run, 0
			}
			if !errors.Is(err, os.ErrClosed) && !errors.Is(err, pages.ErrBusy) { // another read may have found the file damaged
				h.copies.Store(true)
			}
		}
		own := dest[n : n+int(length)]
		if k, err := file.ReadAt(own, at); k < len(own) || err != nil {
			break // ReadAt of the content tells why
		}
		n += int(length)
	}
	return nil, n
}

// runOf takes bytes of a file.
func (h *fileHandle) runOf(file *os.File, at int64, length int) (*pages.Run, error) {
	from := h.lent.Load()
	if !from.Is(file) {
		var err error
		if from, err = pages.Of(file); err != nil {
			return nil, err
		}
		h.lent.Store(from)
	}
	return h.face.pages.Take(from, at, length)
}

// served tells of a read that was answered. It allocates nothing and takes no lock.
func (h *fileHandle) served(ctx context.Context, begun time.Time, off int64, n int) {
	took := time.Since(begun)
	h.face.operations.observer.Read(n, took)
	if !h.begun.Load() && h.begun.CompareAndSwap(false, true) {
		h.face.operations.observer.FirstByte(h.waited + took)
	}
	h.face.operations.read(ctx, h.path, begun, off, n, 0)
}

func (h *fileHandle) Release(ctx context.Context) syscall.Errno {
	if _, ok := h.content.(tree.Text); ok {
		return 0
	}
	op := h.face.operations.again(h.opener)
	return h.face.waitAs(ctx, op, "close", h.path, func(context.Context) error { return h.content.Close() })
}

func (h *fileHandle) Fsync(context.Context, uint32) syscall.Errno { return 0 }

// Lseek answers SEEK_DATA and SEEK_HOLE in a file without holes: the only one is at its end, and from there on there is
// neither, as on a local disk.
func (h *fileHandle) Lseek(_ context.Context, off uint64, whence uint32) (uint64, syscall.Errno) {
	size := uint64(h.content.Size())
	switch {
	case off >= size:
		return 0, syscall.ENXIO
	case whence == unix.SEEK_DATA:
		return off, 0
	case whence == unix.SEEK_HOLE:
		return size, 0
	}
	return 0, syscall.EINVAL
}
