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
	_ gofuse.NodeGetxattrer  = (*node)(nil)
	_ gofuse.NodeListxattrer = (*node)(nil)
)

// maxName is the longest name that a stream can have.
const maxName = 256

// Statfs answers from here: df must not hang when the network does. The numbers mean nothing, but some programs refuse
// to work with a filesystem of no size.
func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
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

// Getxattr gives an attribute of the entry. The mount has no attributes of other names (selinux, access control lists),
// and says so without looking further: ls -l asks for two of a file.
func (n *node) Getxattr(ctx context.Context, name string, dest []byte) (uint32, syscall.Errno) {
	short, ok := strings.CutPrefix(name, xattrPrefix)
	if ok {
		for _, a := range n.info.Attributes() {
			if a.Name == short {
				return n.answerXattr(ctx, a, dest)
			}
		}
	}
	n.face.operations.local(ctx, "getxattr", n.info.Path)
	return 0, syscall.ENODATA
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
func (n *node) Listxattr(_ context.Context, dest []byte) (uint32, syscall.Errno) {
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
