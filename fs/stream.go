package fs

import (
	"context"
	"errors"
	"syscall"
	"time"

	"clipfs/clip"

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
	stream clip.StreamName
	time   time.Time
}

var (
	_ gofuse.NodeGetattrer = (*streamNode)(nil)
	_ gofuse.NodeLookuper  = (*streamNode)(nil)
	_ gofuse.NodeReaddirer = (*streamNode)(nil)
	_ gofuse.NodeStatfser  = (*streamNode)(nil)
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

// Lookup implements gofuse.NodeLookuper: latest, and any start, which costs no call.
func (n *streamNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	if name == latestName {
		return n.lookupLatest(ctx, out)
	}
	start, err := n.tree.library.Grammar().ParseStart(name)
	if err != nil {
		return nil, Errno(err)
	}
	child := &startNode{tree: n.tree, stream: n.stream, name: name, start: start}
	child.fill(&out.Attr)
	setEntry(out, grammarTimeout, dirTimeout)
	return n.NewInode(ctx, child, gofuse.StableAttr{Mode: syscall.S_IFDIR, Ino: inodeNumber(string(n.stream), name)}), 0
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

// Readdir implements gofuse.NodeReaddirer.
func (n *streamNode) Readdir(ctx context.Context) (gofuse.DirStream, syscall.Errno) {
	var hours []time.Time
	empty := false
	errno := n.tree.wait(ctx, "list", string(n.stream), func(ctx context.Context) (err error) {
		if _, err = n.tree.library.Latest(ctx, n.stream); err != nil {
			empty = errors.Is(err, clip.ErrNoFootage) || errors.Is(err, clip.ErrNoRetention)
			return err
		}
		hours, err = n.tree.library.Hours(ctx, n.stream)
		return err
	})
	if empty {
		return gofuse.NewListDirStream(nil), 0
	}
	if errno != 0 {
		return nil, errno
	}
	entries := make([]fuse.DirEntry, 0, len(hours)+1)
	for _, hour := range hours {
		name := n.tree.library.Grammar().FormatStart(hour, clip.Hour)
		entries = append(entries, fuse.DirEntry{Name: name, Mode: syscall.S_IFDIR, Ino: inodeNumber(string(n.stream), name)})
	}
	entries = append(entries, fuse.DirEntry{Name: latestName, Mode: syscall.S_IFLNK, Ino: inodeNumber(string(n.stream), latestName)})
	return gofuse.NewListDirStream(entries), 0
}
