package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"syscall"
	"time"

	"clipfs/clip/archive"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// clipHandle is an open clip. It stays with the version that it was opened on.
type clipHandle struct {
	tree   *tree
	handle opened
	path   string
	// opener is who opened it, and stands for whoever reads; waited is how long he waited for that.
	opener archive.Operation
	waited time.Duration
	// begun says that something was read.
	begun atomic.Bool
}

var (
	_ gofuse.FileReader   = (*clipHandle)(nil)
	_ gofuse.FileReleaser = (*clipHandle)(nil)
	_ gofuse.FileFsyncer  = (*clipHandle)(nil)
)

// Read implements gofuse.FileReader. It gives all the bytes asked for that the file has, or an error: the kernel takes
// fewer bytes for the end of the file.
func (h *clipHandle) Read(ctx context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	left := h.handle.Size() - off
	if left <= 0 || off < 0 {
		return fuse.ReadResultData(nil), 0
	}
	if int64(len(dest)) > left {
		dest = dest[:left]
	}
	begun := time.Now()
	waiting := h.tree.waits.begin(ctx, h.tree.operations.again(h.opener))
	defer h.tree.waits.end(waiting)
	n, err := h.handle.ReadAt(waiting, dest, off)
	if n == len(dest) {
		h.served(waiting, begun, off, n)
		return fuse.ReadResultData(dest), 0
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = fmt.Errorf("read at %d: %d bytes of %d: %w", off, n, len(dest), io.ErrUnexpectedEOF)
	}
	errno := h.tree.report.errno(waiting, "read", h.path, err)
	h.tree.operations.read(waiting, h.path, begun, off, n, errno)
	return nil, errno
}

// served tells of a read that was answered. It allocates nothing and takes no lock.
func (h *clipHandle) served(ctx context.Context, begun time.Time, off int64, n int) {
	took := time.Since(begun)
	h.tree.operations.observer.Read(n, took)
	if !h.begun.Load() && h.begun.CompareAndSwap(false, true) {
		h.tree.operations.observer.FirstByte(h.waited + took)
	}
	h.tree.operations.read(ctx, h.path, begun, off, n, 0)
}

// Release implements gofuse.FileReleaser.
func (h *clipHandle) Release(ctx context.Context) syscall.Errno {
	op := h.tree.operations.again(h.opener)
	return h.tree.waitAs(ctx, op, "close", h.path, func(context.Context) error { return h.handle.Close() })
}

// Fsync implements gofuse.FileFsyncer: nothing is ever unwritten.
func (h *clipHandle) Fsync(context.Context, uint32) syscall.Errno { return 0 }
