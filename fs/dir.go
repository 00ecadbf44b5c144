package fs

import (
	"context"
	"path"
	"syscall"
	"time"

	"clipfs/fs/tree"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// dirNode is a directory.
type dirNode struct {
	node
	readOnlyDir
	dir *tree.Dir
}

var (
	_ gofuse.NodeGetattrer = (*dirNode)(nil)
	_ gofuse.NodeLookuper  = (*dirNode)(nil)
	_ gofuse.NodeReaddirer = (*dirNode)(nil)
	_ gofuse.NodeUnlinker  = (*dirNode)(nil)
	_ gofuse.NodeRmdirer   = (*dirNode)(nil)
)

func newDirNode(f *face, d *tree.Dir) *dirNode {
	return &dirNode{node: node{face: f, info: &d.Info}, dir: d}
}

func (n *dirNode) Getattr(ctx context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.local(ctx, "getattr", 0)
	n.face.owner.dir(&out.Attr, n.info.Time)
	out.SetTimeout(dirTimeout)
	return 0
}

// Lookup never waits for media, unless for an exact size.
func (n *dirNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	place, err := n.dir.Lookup(name)
	if err != nil {
		errno := Errno(err)
		n.face.operations.atOnce(ctx, "lookup", path.Join(n.info.Path, name), errno)
		return nil, errno
	}
	if v := n.face.versions.stuckAt(inodeNumber(place.Path), callerPID(ctx), time.Now()); v != nil {
		return n.addFile(ctx, place, v, out), 0
	}
	entry := place.Entry
	if entry != nil {
		n.face.operations.atOnce(ctx, "lookup", place.Path, 0)
	} else if errno := n.face.wait(ctx, "lookup", place.Path, func(ctx context.Context) (err error) {
		entry, err = place.Find(ctx)
		return err
	}); errno != 0 {
		return nil, errno
	}
	return n.add(ctx, place, entry, out)
}

// add adds what was found at a place.
func (n *dirNode) add(ctx context.Context, place tree.Place, entry tree.Entry, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	ino := inodeNumber(place.Path)
	switch e := entry.(type) {
	case *tree.Dir:
		n.face.owner.dir(&out.Attr, e.Time)
		out.SetEntryTimeout(validFor(&e.Info))
		out.SetAttrTimeout(dirTimeout)
		return n.NewInode(ctx, newDirNode(n.face, e), gofuse.StableAttr{Mode: syscall.S_IFDIR, Ino: ino}), 0
	case *tree.Link:
		n.face.owner.link(&out.Attr, e)
		out.SetEntryTimeout(validFor(&e.Info))
		out.SetAttrTimeout(validFor(&e.Info))
		child := &linkNode{node: node{face: n.face, info: &e.Info}, place: place}
		return n.NewInode(ctx, child, gofuse.StableAttr{Mode: syscall.S_IFLNK, Ino: ino}), 0
	case *tree.File:
		v, until := n.face.versions.of(ino, e), &e.Info
		if n.face.exact {
			var errno syscall.Errno
			if v, errno = n.face.measured(ctx, place, v); errno != 0 {
				return nil, errno
			}
			until = &v.file.Info
		}
		out.SetEntryTimeout(validFor(until))
		return n.addFile(ctx, place, v, out), 0
	}
	return nil, syscall.EIO
}

// addFile adds a version of the file at a place.
func (n *dirNode) addFile(ctx context.Context, place tree.Place, v *version, out *fuse.EntryOut) *gofuse.Inode {
	child := &fileNode{node: node{face: n.face, info: &v.file.Info}, place: place, version: v}
	out.SetAttrTimeout(child.fill(&out.Attr))
	return n.NewInode(ctx, child, gofuse.StableAttr{Mode: syscall.S_IFREG, Ino: v.ino, Gen: v.gen})
}

// Readdir fetches no media.
func (n *dirNode) Readdir(ctx context.Context) (gofuse.DirStream, syscall.Errno) {
	var items []tree.Item
	errno := n.face.wait(ctx, "list", path.Join("/", n.info.Path), func(ctx context.Context) (err error) {
		items, err = n.dir.List(ctx)
		return err
	})
	if errno != 0 {
		return nil, errno
	}
	entries := make([]fuse.DirEntry, 0, len(items))
	modes := map[tree.Kind]uint32{tree.IsDir: syscall.S_IFDIR, tree.IsFile: syscall.S_IFREG, tree.IsLink: syscall.S_IFLNK}
	for _, item := range items {
		entries = append(entries, fuse.DirEntry{Name: item.Name, Mode: modes[item.Kind], Ino: inodeNumber(n.info.Path, item.Name)})
	}
	return gofuse.NewListDirStream(entries), 0
}
