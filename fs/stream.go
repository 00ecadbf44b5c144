package fs

import (
	"context"
	"syscall"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// latestName is the name of the link to the newest footage.
const latestName = "latest"

// streamNode is the directory of one stream.
type streamNode struct {
	gofuse.Inode
	readOnlyDir
	tree   *tree
	stream archive.StreamName
	time   time.Time
}

var (
	_ gofuse.NodeGetattrer = (*streamNode)(nil)
	_ gofuse.NodeLookuper  = (*streamNode)(nil)
	_ gofuse.NodeReaddirer = (*streamNode)(nil)
	_ gofuse.NodeStatfser  = (*streamNode)(nil)

	_ gofuse.NodeGetxattrer  = (*streamNode)(nil)
	_ gofuse.NodeListxattrer = (*streamNode)(nil)
)

// fill gives the directory's attributes.
func (n *streamNode) fill(out *fuse.Attr) { n.tree.owner.dir(out, n.time) }

// Getattr implements gofuse.NodeGetattrer.
func (n *streamNode) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.fill(&out.Attr)
	out.SetTimeout(dirTimeout)
	return 0
}

// Statfs implements gofuse.NodeStatfser.
func (n *streamNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	n.tree.statfs(out)
	return 0
}

// Lookup implements gofuse.NodeLookuper: latest, last, and any start, which costs no call.
func (n *streamNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	switch name {
	case latestName:
		return n.lookupLatest(ctx, out)
	case lastName:
		child := &lastNode{tree: n.tree, stream: n.stream, parent: n}
		n.fill(&out.Attr)
		setEntry(out, grammarTimeout, dirTimeout)
		n.tree.operations.local(ctx, "lookup", below(n.stream, name))
		return n.NewInode(ctx, child, gofuse.StableAttr{Mode: syscall.S_IFDIR, Ino: inodeNumber(below(n.stream, name))}), 0
	}
	grammar := n.tree.library.Grammar()
	start, err := grammar.ParseStart(name)
	if err != nil {
		return nil, n.tree.missing(ctx, name, below(n.stream, name), grammar.ExplainStart(name), err)
	}
	return n.tree.addStart(ctx, n.EmbeddedInode(), n.stream, below(n.stream, name), start, out), 0
}

// lookupLatest gives the link to the newest footage; ENOENT where there is none.
func (n *streamNode) lookupLatest(ctx context.Context, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	child := &latestNode{tree: n.tree, stream: n.stream}
	newest, target, errno := child.target(ctx)
	if errno != 0 {
		return nil, errno
	}
	n.tree.owner.link(&out.Attr, target, newest)
	setEntry(out, edgeTimeout, edgeTimeout)
	stable := gofuse.StableAttr{Mode: syscall.S_IFLNK, Ino: inodeNumber(string(n.stream), latestName)}
	return n.NewInode(ctx, child, stable), 0
}

// Readdir implements gofuse.NodeReaddirer: the days with footage, and what leads to the newest. A stream without any
// lists nothing.
func (n *streamNode) Readdir(ctx context.Context) (gofuse.DirStream, syscall.Errno) {
	at := string(n.stream)
	return n.tree.list(ctx, at, func(ctx context.Context) ([]fuse.DirEntry, error) {
		days, err := n.tree.library.Days(ctx, n.stream)
		if err != nil || len(days) == 0 {
			return nil, err
		}
		entries := n.tree.startEntries(at, days)
		if !n.tree.library.Listed().Default() { // it is in the days too, and who asks for a list wants nothing twice
			return entries, nil
		}
		if _, err := n.tree.library.Latest(ctx, n.stream); err != nil {
			return entries, err
		}
		return append(entries, entry(at, lastName, syscall.S_IFDIR), entry(at, latestName, syscall.S_IFLNK)), nil
	})
}

// Getxattr implements gofuse.NodeGetxattrer: when the first and the last fragment start. It costs the search for them.
func (n *streamNode) Getxattr(ctx context.Context, name string, dest []byte) (uint32, syscall.Errno) {
	if name == errorXattr {
		return n.tree.listingXattr(n.stream, dest)
	}
	return n.tree.dirXattr(ctx, string(n.stream), name, dest, edgeXattrs(), func(ctx context.Context) (f clip.Footage, err error) {
		if f.First, err = n.tree.library.First(ctx, n.stream); err != nil {
			return f, err
		}
		f.Last, err = n.tree.library.Latest(ctx, n.stream)
		return f, err
	})
}

// Listxattr implements gofuse.NodeListxattrer. It costs nothing.
func (n *streamNode) Listxattr(_ context.Context, dest []byte) (uint32, syscall.Errno) {
	return listDirXattrs(dest, edgeXattrs())
}
