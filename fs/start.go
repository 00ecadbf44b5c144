package fs

import (
	"context"
	"errors"
	"path"
	"syscall"
	"time"

	"clipfs/clip"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// startNode is the directory of one start, under the name by which it was looked up.
type startNode struct {
	gofuse.Inode
	readOnlyDir
	tree   *tree
	stream clip.StreamName
	name   string
	start  clip.Start
}

var (
	_ gofuse.NodeGetattrer = (*startNode)(nil)
	_ gofuse.NodeLookuper  = (*startNode)(nil)
	_ gofuse.NodeReaddirer = (*startNode)(nil)
	_ gofuse.NodeStatfser  = (*startNode)(nil)
)

// fill gives the directory's attributes.
func (n *startNode) fill(out *fuse.Attr) { n.tree.owner.dir(out, n.start.Time) }

// path is where the directory is, below the mount.
func (n *startNode) path() string { return path.Join(string(n.stream), n.name) }

// Getattr implements gofuse.NodeGetattrer.
func (n *startNode) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.fill(&out.Attr)
	out.SetTimeout(dirTimeout)
	return 0
}

// Statfs implements gofuse.NodeStatfser.
func (n *startNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	n.tree.statfs(out)
	return 0
}

// Lookup implements gofuse.NodeLookuper: any clip that has footage, listed or not. It never waits for media.
func (n *startNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	span, err := n.tree.library.Grammar().ParseClip(n.start, name)
	if err != nil {
		return nil, Errno(err)
	}
	ino := inodeNumber(n.path(), name)
	v := n.tree.versions.stuckAt(ino, time.Now())
	if v == nil {
		var c *clip.Clip
		errno := n.tree.wait(ctx, "lookup", path.Join(n.path(), name), func(ctx context.Context) (err error) {
			c, err = n.tree.library.Clip(ctx, n.stream, span)
			return err
		})
		if errno != 0 {
			return nil, errno
		}
		v = n.tree.versions.of(ino, c)
		out.SetEntryTimeout(max(time.Until(c.Expires()), 0))
	}
	child := &clipNode{tree: n.tree, version: v, path: path.Join(n.path(), name)}
	out.SetAttrTimeout(child.fill(&out.Attr))
	return n.NewInode(ctx, child, gofuse.StableAttr{Mode: syscall.S_IFREG, Ino: ino, Gen: v.gen}), 0
}

// Readdir implements gofuse.NodeReaddirer: the listed lengths that have footage. It fetches no media.
func (n *startNode) Readdir(ctx context.Context) (gofuse.DirStream, syscall.Errno) {
	var lengths []time.Duration
	empty := false
	errno := n.tree.wait(ctx, "list", n.path(), func(ctx context.Context) (err error) {
		lengths, err = n.tree.library.Lengths(ctx, n.stream, n.start)
		empty = errors.Is(err, clip.ErrNoFootage) || errors.Is(err, clip.ErrNoRetention)
		return err
	})
	if errno != 0 && !empty {
		return nil, errno
	}
	entries := make([]fuse.DirEntry, 0, len(lengths))
	for _, length := range lengths {
		name := n.tree.library.Grammar().FormatClip(length)
		entries = append(entries, fuse.DirEntry{Name: name, Mode: syscall.S_IFREG, Ino: inodeNumber(n.path(), name)})
	}
	return gofuse.NewListDirStream(entries), 0
}
