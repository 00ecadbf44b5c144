package fs

import (
	"context"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// readOnly answers EROFS to whatever would change an entry. The mount is read-only and the kernel says so by itself;
// this is for one that an administrator has remounted, where go-fuse's defaults would let an unlink succeed.
type readOnly struct{}

// Setattr implements gofuse.NodeSetattrer.
func (readOnly) Setattr(context.Context, gofuse.FileHandle, *fuse.SetAttrIn, *fuse.AttrOut) syscall.Errno {
	return syscall.EROFS
}

// Setxattr implements gofuse.NodeSetxattrer.
func (readOnly) Setxattr(context.Context, string, []byte, uint32) syscall.Errno { return syscall.EROFS }

// Removexattr implements gofuse.NodeRemovexattrer.
func (readOnly) Removexattr(context.Context, string) syscall.Errno { return syscall.EROFS }

// Access implements gofuse.NodeAccesser: everything may be read and directories be searched by whoever the kernel lets
// onto the mount.
func (readOnly) Access(_ context.Context, mask uint32) syscall.Errno {
	if mask&writeMask != 0 {
		return syscall.EROFS
	}
	return 0
}

// writeMask is W_OK of access(2).
const writeMask = 2

// readOnlyDir answers EROFS to whatever would change what a directory has in it.
type readOnlyDir struct{}

// Create implements gofuse.NodeCreater.
func (readOnlyDir) Create(context.Context, string, uint32, uint32, *fuse.EntryOut) (*gofuse.Inode, gofuse.FileHandle, uint32, syscall.Errno) {
	return nil, nil, 0, syscall.EROFS
}

// Tmpfile implements gofuse.NodeTmpfiler.
func (readOnlyDir) Tmpfile(context.Context, uint32, uint32, *fuse.EntryOut) (*gofuse.Inode, gofuse.FileHandle, uint32, syscall.Errno) {
	return nil, nil, 0, syscall.EROFS
}

// Mkdir implements gofuse.NodeMkdirer.
func (readOnlyDir) Mkdir(context.Context, string, uint32, *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

// Mknod implements gofuse.NodeMknoder.
func (readOnlyDir) Mknod(context.Context, string, uint32, uint32, *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

// Symlink implements gofuse.NodeSymlinker.
func (readOnlyDir) Symlink(context.Context, string, string, *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

// Link implements gofuse.NodeLinker.
func (readOnlyDir) Link(context.Context, gofuse.InodeEmbedder, string, *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	return nil, syscall.EROFS
}

// Unlink implements gofuse.NodeUnlinker.
func (readOnlyDir) Unlink(context.Context, string) syscall.Errno { return syscall.EROFS }

// Rmdir implements gofuse.NodeRmdirer.
func (readOnlyDir) Rmdir(context.Context, string) syscall.Errno { return syscall.EROFS }

// Rename implements gofuse.NodeRenamer.
func (readOnlyDir) Rename(context.Context, string, gofuse.InodeEmbedder, string, uint32) syscall.Errno {
	return syscall.EROFS
}
