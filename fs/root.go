package fs

import (
	"context"
	"fmt"
	"log/slog"
	"syscall"

	"clipfs/clip/archive"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// rootNode is the mount's root: the streams.
type rootNode struct {
	gofuse.Inode
	readOnlyDir
	tree *tree
}

var (
	_ gofuse.NodeGetattrer = (*rootNode)(nil)
	_ gofuse.NodeLookuper  = (*rootNode)(nil)
	_ gofuse.NodeReaddirer = (*rootNode)(nil)
	_ gofuse.NodeStatfser  = (*rootNode)(nil)
	_ gofuse.NodeAccesser  = (*rootNode)(nil)
	_ gofuse.NodeCreater   = (*rootNode)(nil)
	_ gofuse.NodeUnlinker  = (*rootNode)(nil)
	_ gofuse.NodeRmdirer   = (*rootNode)(nil)
)

// Getattr implements gofuse.NodeGetattrer.
func (n *rootNode) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.tree.owner.dir(&out.Attr, n.tree.mounted)
	out.SetTimeout(dirTimeout)
	return 0
}

// Statfs implements gofuse.NodeStatfser.
func (n *rootNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	n.tree.statfs(out)
	return 0
}

// Lookup implements gofuse.NodeLookuper: any stream that there is, listed or not. A name that cannot be a stream's
// costs no call.
func (n *rootNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	if name == statusDirName && n.tree.status != nil {
		return n.lookupStatus(ctx, out), 0
	}
	if !archive.StreamName(name).Valid() {
		return nil, n.tree.operations.missing(ctx, name, archive.ErrName)
	}
	var stream archive.Stream
	errno := n.tree.wait(ctx, "lookup", name, func(ctx context.Context) (err error) {
		stream, err = n.tree.library.Stream(ctx, archive.StreamName(name))
		return err
	})
	if errno != 0 {
		return nil, errno
	}
	child := &streamNode{tree: n.tree, stream: archive.StreamName(name), time: stream.Created}
	if child.time.IsZero() {
		child.time = n.tree.mounted
	}
	child.fill(&out.Attr)
	setEntry(out, n.tree.library.MetadataTTL(), dirTimeout)
	return n.NewInode(ctx, child, gofuse.StableAttr{Mode: syscall.S_IFDIR, Ino: inodeNumber(name)}), 0
}

// Readdir implements gofuse.NodeReaddirer.
func (n *rootNode) Readdir(ctx context.Context) (gofuse.DirStream, syscall.Errno) {
	var streams []archive.Stream
	errno := n.tree.wait(ctx, "list", "/", func(ctx context.Context) (err error) {
		streams, err = n.tree.library.Streams(ctx)
		return err
	})
	if errno != 0 {
		return nil, errno
	}
	entries := make([]fuse.DirEntry, 0, len(streams))
	for _, s := range streams {
		if !s.Name.Valid() {
			err := fmt.Errorf("stream %q cannot be the name of a directory", string(s.Name))
			n.tree.report.once(ctx, slog.LevelWarn, "list", "/", syscall.EINVAL, err)
			continue
		}
		name := string(s.Name)
		entries = append(entries, fuse.DirEntry{Name: name, Mode: syscall.S_IFDIR, Ino: inodeNumber(name)})
	}
	return gofuse.NewListDirStream(entries), 0
}
