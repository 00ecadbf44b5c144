package fs

import (
	"context"
	"errors"
	"syscall"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// clipNode is one version of a clip. Several may stand for one inode for a moment; all that changes is in the version.
type clipNode struct {
	gofuse.Inode
	readOnly
	tree    *tree
	version *version
	path    string
	// find gives what there is at the path by now.
	find func(context.Context) (*clip.Clip, error)
}

// maxNewer is how many newer versions one OPEN tries, of footage that goes on changing.
const maxNewer = 3

var (
	_ gofuse.NodeGetattrer   = (*clipNode)(nil)
	_ gofuse.NodeOpener      = (*clipNode)(nil)
	_ gofuse.NodeGetxattrer  = (*clipNode)(nil)
	_ gofuse.NodeListxattrer = (*clipNode)(nil)
	_ gofuse.NodeStatfser    = (*clipNode)(nil)
	_ gofuse.NodeSetattrer   = (*clipNode)(nil)
)

// fill gives what is known of the clip, without waiting for anything, and how long it holds.
func (n *clipNode) fill(out *fuse.Attr) (timeout time.Duration) {
	size, exact := n.version.tell()
	c, stored := n.version.clip, size
	if n.version.kind == clip.Movie {
		stored = c.MediaBytes()
	}
	n.tree.owner.file(out, size, stored, c.Span().End)
	if exact {
		return exactTimeout
	}
	return 0
}

// Getattr implements gofuse.NodeGetattrer.
func (n *clipNode) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.SetTimeout(n.fill(&out.Attr))
	return 0
}

// Statfs implements gofuse.NodeStatfser.
func (n *clipNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	n.tree.statfs(out)
	return 0
}

// Open implements gofuse.NodeOpener. It waits for the head, and answers ESTALE when the kernel has to look the name up
// again because it holds another size or another version (see the package's documentation).
func (n *clipNode) Open(ctx context.Context, flags uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY || flags&syscall.O_TRUNC != 0 {
		return nil, 0, syscall.EROFS
	}
	if !n.tree.deny.opens(ctx, n.path) {
		return nil, 0, syscall.EACCES
	}
	var (
		handle opened
		newest *version
	)
	begun, opener := time.Now(), n.tree.opener(ctx)
	errno := n.tree.waitAs(ctx, opener, openName, n.path, func(ctx context.Context) (err error) {
		newest, handle, err = n.open(ctx)
		return err
	})
	if errno != 0 {
		return nil, 0, errno
	}
	now := time.Now()
	waited := now.Sub(begun)
	if again := newest.settle(handle.Size(), callerPID(ctx), now); again || newest != n.version {
		n.tree.versions.stick(newest, now)
		newest.waited.Add(int64(waited))
		_ = handle.Close() // what it fetched goes on for those who open again
		return nil, 0, syscall.ESTALE
	}
	waited += time.Duration(n.version.waited.Swap(0))
	open := &clipHandle{tree: n.tree, handle: handle, path: n.path, opener: opener, waited: waited}
	if handle.Complete() {
		return open, fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH, 0
	}
	// sendfile and mmap go by the page cache all the same. What they have put there is right for good, and if it were not kept,
	// open(2) would wait, deaf to signals, for each page that one of them waits for (fs/fuse/file.c, fuse_finish_open).
	return open, fuse.FOPEN_DIRECT_IO | fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH, 0
}

// open opens the node's version or, where the footage is another one since that was looked up, the version that there is now. The
// kernel has to look the name up then, and opens but once more: it must be told the size at that lookup.
func (n *clipNode) open(ctx context.Context) (*version, opened, error) {
	v := n.version
	for tries := 0; ; tries++ {
		handle, err := v.content.open(ctx)
		if !errors.Is(err, archive.ErrChanged) && !errors.Is(err, archive.ErrNoFootage) {
			return v, handle, err
		}
		n.tree.versions.unstick(v)
		c, gone := n.find(ctx)
		if gone != nil {
			return v, nil, gone
		}
		newer := n.tree.versions.of(v.ino, c, v.kind)
		if newer == v || tries == maxNewer {
			return v, nil, err
		}
		v = newer
	}
}

// callerPID gives the thread that the kernel asks for; unknownPID if it does not say.
func callerPID(ctx context.Context) uint32 {
	if c, ok := fuse.FromContext(ctx); ok {
		return c.Pid
	}
	return unknownPID
}
