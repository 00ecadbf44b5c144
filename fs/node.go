package fs

import (
	"context"
	"strings"
	"syscall"

	"clipfs/fs/tree"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// node is what nodes of all kinds have.
type node struct {
	gofuse.Inode
	readOnly
	face *face
	info *tree.Info
}

var (
	_ gofuse.NodeStatfser    = (*node)(nil)
	_ gofuse.NodeAccesser    = (*node)(nil)
	_ gofuse.NodeGetxattrer  = (*node)(nil)
	_ gofuse.NodeListxattrer = (*node)(nil)
)

// writeMask is W_OK of access(2).
const writeMask = 2

// Access lets whoever the kernel lets onto the mount read everything and search directories.
func (n *node) Access(ctx context.Context, mask uint32) (errno syscall.Errno) {
	if mask&writeMask != 0 {
		errno = syscall.EROFS
	}
	n.local(ctx, "access", errno)
	return errno
}

// local tells of an operation on the entry that is answered from what is known.
func (n *node) local(ctx context.Context, operation string, errno syscall.Errno) {
	n.face.operations.atOnce(ctx, operation, n.info.Path, errno)
}

// maxName is the longest name that a stream can have.
const maxName = 256

// Statfs answers from here: df must not hang when the network does. The numbers mean nothing, but some programs refuse
// to work with a filesystem of no size.
func (n *node) Statfs(ctx context.Context, out *fuse.StatfsOut) syscall.Errno {
	n.local(ctx, "statfs", 0)
	const block, total = 4096, 1 << 32 // 16 TiB
	*out = fuse.StatfsOut{
		Blocks: total, Bfree: total / 2, Bavail: total / 2,
		Files: total, Ffree: total / 2,
		Bsize: block, Frsize: block, NameLen: maxName,
	}
	return 0
}

// xattrPrefix is what the names of our extended attributes begin with.
const xattrPrefix = "user.clipfs."

// securityPrefix is what the names of attributes begin with that security modules keep.
const securityPrefix = "security."

// Getxattr gives an attribute of the entry. The mount has no attributes of other names, and says so without looking further. Those of
// security modules it does not support (xattr(7)): ls -l, which asks for the label of each file, asks no more once it is told so.
func (n *node) Getxattr(ctx context.Context, name string, dest []byte) (uint32, syscall.Errno) {
	short, ok := strings.CutPrefix(name, xattrPrefix)
	if ok {
		for _, a := range n.info.Attributes() {
			if a.Name == short {
				return n.answerXattr(ctx, a, dest)
			}
		}
	}
	errno := syscall.ENODATA
	if strings.HasPrefix(name, securityPrefix) {
		errno = syscall.EOPNOTSUPP
	}
	n.local(ctx, "getxattr", errno)
	return 0, errno
}

// answerXattr puts the value of an attribute where the caller wants it.
func (n *node) answerXattr(ctx context.Context, a tree.Attribute, dest []byte) (uint32, syscall.Errno) {
	value := ""
	errno := n.face.wait(ctx, "getxattr", n.info.Path, func(ctx context.Context) (err error) {
		value, err = a.Value(ctx)
		return err
	})
	switch {
	case errno != 0:
		return 0, errno
	case value == "":
		return 0, syscall.ENODATA
	}
	return answer(dest, value)
}

// Listxattr costs nothing.
func (n *node) Listxattr(ctx context.Context, dest []byte) (uint32, syscall.Errno) {
	n.local(ctx, "listxattr", 0)
	var names strings.Builder
	for _, a := range n.info.Attributes() {
		if !a.Unlisted {
			names.WriteString(xattrPrefix + a.Name + "\x00")
		}
	}
	return answer(dest, names.String())
}

// answer gives ERANGE and the length where the caller's buffer is too small (getxattr(2)).
func answer(dest []byte, value string) (uint32, syscall.Errno) {
	if len(dest) < len(value) {
		return uint32(len(value)), syscall.ERANGE
	}
	return uint32(copy(dest, value)), 0
}
