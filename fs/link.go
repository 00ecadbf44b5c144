package fs

import (
	"context"
	"syscall"

	"clipfs/clip/archive"
	"clipfs/fs/tree"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// linkNode is a symbolic link. The kernel does not keep its target: it is looked up at every use.
type linkNode struct {
	node
	place tree.Place
}

var (
	_ gofuse.NodeGetattrer  = (*linkNode)(nil)
	_ gofuse.NodeReadlinker = (*linkNode)(nil)
)

func (n *linkNode) now(ctx context.Context) (link *tree.Link, errno syscall.Errno) {
	errno = n.face.wait(ctx, "readlink", n.place.Path, func(ctx context.Context) error {
		e, err := n.place.Find(ctx)
		if err != nil {
			return err
		}
		var ok bool
		if link, ok = e.(*tree.Link); !ok {
			return archive.ErrChanged
		}
		return nil
	})
	return link, errno
}

func (n *linkNode) Getattr(ctx context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	link, errno := n.now(ctx)
	if errno != 0 {
		return errno
	}
	n.face.owner.link(&out.Attr, link)
	out.SetTimeout(validFor(&link.Info))
	return 0
}

func (n *linkNode) Readlink(ctx context.Context) ([]byte, syscall.Errno) {
	link, errno := n.now(ctx)
	if errno != 0 {
		return nil, errno
	}
	return []byte(link.Target), 0
}
