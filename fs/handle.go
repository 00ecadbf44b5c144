package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"clipfs/clip"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// clipHandle is an open clip. It stays with the version that it was opened on.
type clipHandle struct {
	tree   *tree
	handle *clip.Handle
	path   string
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
	waiting := h.tree.waits.begin(ctx)
	defer h.tree.waits.end(waiting)
	n, err := h.handle.ReadAt(waiting, dest, off)
	if n == len(dest) {
		return fuse.ReadResultData(dest), 0
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = fmt.Errorf("read at %d: %d bytes of %d: %w", off, n, len(dest), io.ErrUnexpectedEOF)
	}
	return nil, h.tree.report.errno(ctx, "read", h.path, err)
}

// Release implements gofuse.FileReleaser.
func (h *clipHandle) Release(ctx context.Context) syscall.Errno {
	return h.tree.report.errno(ctx, "close", h.path, h.handle.Close())
}

// Fsync implements gofuse.FileFsyncer: nothing is ever unwritten.
func (h *clipHandle) Fsync(context.Context, uint32) syscall.Errno { return 0 }
