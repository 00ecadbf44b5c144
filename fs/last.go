package fs

import (
	"context"
	"path"
	"syscall"

	"clipfs/clip"
	"clipfs/clip/archive"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// lastName is the name of the directory of clips that end with the newest footage.
const lastName = "last"

// lastNode is that directory. What a name in it stands for is fixed when it is looked up.
type lastNode struct {
	gofuse.Inode
	readOnlyDir
	tree   *tree
	stream archive.StreamName
	parent *streamNode
}

var (
	_ gofuse.NodeGetattrer = (*lastNode)(nil)
	_ gofuse.NodeLookuper  = (*lastNode)(nil)
	_ gofuse.NodeReaddirer = (*lastNode)(nil)
	_ gofuse.NodeStatfser  = (*lastNode)(nil)
)

// Getattr implements gofuse.NodeGetattrer.
func (n *lastNode) Getattr(ctx context.Context, f gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	return n.parent.Getattr(ctx, f, out)
}

// Statfs implements gofuse.NodeStatfser.
func (n *lastNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	n.tree.statfs(out)
	return 0
}

// Lookup implements gofuse.NodeLookuper: any length, listed or not.
func (n *lastNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	at := path.Join(string(n.stream), lastName, name)
	grammar := n.tree.library.Grammar()
	file, err := grammar.ParseLast(name)
	if err != nil {
		return nil, n.tree.missing(ctx, name, at, grammar.ExplainLast(name), err)
	}
	find := n.tree.library.Last
	if file.Cover {
		find = n.tree.library.LastCover
	}
	return n.tree.addFile(ctx, n.EmbeddedInode(), at, file.Kind, out, func(ctx context.Context) (*clip.Clip, error) {
		return find(ctx, n.stream, file.Length)
	})
}

// Readdir implements gofuse.NodeReaddirer: the listed lengths.
func (n *lastNode) Readdir(ctx context.Context) (gofuse.DirStream, syscall.Errno) {
	at := below(n.stream, lastName)
	return n.tree.list(ctx, at, func(ctx context.Context) ([]fuse.DirEntry, error) {
		lengths, err := n.tree.library.LastLengths(ctx, n.stream)
		return n.tree.fileEntries(at, lengths), err
	})
}
