package fs

import (
	"context"
	"path"
	"syscall"
	"time"

	"clipfs/clip/archive"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// latestNode is the symbolic link to the minute of a stream's newest footage. The kernel does not keep its target: it
// is asked for at every use.
type latestNode struct {
	gofuse.Inode
	readOnly
	tree   *tree
	stream archive.StreamName
}

var (
	_ gofuse.NodeGetattrer  = (*latestNode)(nil)
	_ gofuse.NodeReadlinker = (*latestNode)(nil)
)

// target gives the time of the newest footage and the name of its minute.
func (n *latestNode) target(ctx context.Context) (newest time.Time, name string, errno syscall.Errno) {
	errno = n.tree.wait(ctx, "readlink", path.Join(string(n.stream), latestName), func(ctx context.Context) (err error) {
		newest, err = n.tree.library.Latest(ctx, n.stream)
		return err
	})
	return newest, n.tree.library.Grammar().FormatStart(newest, archive.Minute), errno
}

// Getattr implements gofuse.NodeGetattrer.
func (n *latestNode) Getattr(ctx context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	newest, name, errno := n.target(ctx)
	if errno != 0 {
		return errno
	}
	n.tree.owner.link(&out.Attr, name, newest)
	out.SetTimeout(edgeTimeout)
	return 0
}

// Readlink implements gofuse.NodeReadlinker.
func (n *latestNode) Readlink(ctx context.Context) ([]byte, syscall.Errno) {
	_, name, errno := n.target(ctx)
	if errno != 0 {
		return nil, errno
	}
	return []byte(name), 0
}
