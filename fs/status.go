package fs

import (
	"context"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"clipfs/clip/archive"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

const (
	// statusDirName is the directory of what tells of the mount itself. A stream of that name is hidden by it.
	//
	// The root does not list it, like the .zfs and .snapshot of others: what walks the tree and copies, indexes or
	// compares it should find footage there and nothing that is different each time. Who knows the name gets it.
	statusDirName = ".clipfs"
	// statusName is the file in it.
	statusName = "status.json"
)

// statusDir is MOUNT/.clipfs.
type statusDir struct {
	gofuse.Inode
	readOnlyDir
	tree *tree
	// looks counts the texts given.
	looks atomic.Uint64
}

var (
	_ gofuse.NodeGetattrer = (*statusDir)(nil)
	_ gofuse.NodeLookuper  = (*statusDir)(nil)
	_ gofuse.NodeReaddirer = (*statusDir)(nil)
	_ gofuse.NodeStatfser  = (*statusDir)(nil)
)

// lookupStatus adds the directory to the root.
func (n *rootNode) lookupStatus(ctx context.Context, out *fuse.EntryOut) *gofuse.Inode {
	child := &statusDir{tree: n.tree}
	n.tree.owner.dir(&out.Attr, n.tree.mounted)
	setEntry(out, grammarTimeout, dirTimeout)
	n.tree.operations.local(ctx, "lookup", statusDirName)
	return n.NewInode(ctx, child, gofuse.StableAttr{Mode: syscall.S_IFDIR, Ino: inodeNumber(statusDirName)})
}

// Getattr implements gofuse.NodeGetattrer.
func (n *statusDir) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.tree.owner.dir(&out.Attr, n.tree.mounted)
	out.SetTimeout(dirTimeout)
	return 0
}

// Statfs implements gofuse.NodeStatfser.
func (n *statusDir) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	n.tree.statfs(out)
	return 0
}

// Readdir implements gofuse.NodeReaddirer.
func (n *statusDir) Readdir(context.Context) (gofuse.DirStream, syscall.Errno) {
	return gofuse.NewListDirStream([]fuse.DirEntry{entry(statusDirName, statusName, syscall.S_IFREG)}), 0
}

// Lookup implements gofuse.NodeLookuper. Each look takes a snapshot, and gives it an inode of its own (same number, next
// generation), whose size is exact and never changes. The name holds for no time, so open(2) always looks, and what it
// opens is the snapshot of its look.
func (n *statusDir) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	if name != statusName {
		return nil, n.tree.operations.missing(ctx, statusDirName+"/"+name, archive.ErrName)
	}
	child := &statusNode{tree: n.tree, at: time.Now()}
	errno := n.tree.wait(ctx, "lookup", statusDirName+"/"+name, func(context.Context) (err error) {
		child.text, err = n.tree.status()
		return err
	})
	if errno != 0 {
		return nil, errno
	}
	child.fill(&out.Attr)
	setEntry(out, 0, exactTimeout)
	return n.NewInode(ctx, child, gofuse.StableAttr{
		Mode: syscall.S_IFREG, Ino: inodeNumber(statusDirName, statusName), Gen: n.looks.Add(1),
	}), 0
}

// statusNode is one snapshot.
type statusNode struct {
	gofuse.Inode
	readOnly
	tree *tree
	at   time.Time
	text []byte
}

var (
	_ gofuse.NodeGetattrer = (*statusNode)(nil)
	_ gofuse.NodeOpener    = (*statusNode)(nil)
	_ gofuse.NodeStatfser  = (*statusNode)(nil)
)

// statusMode lets whoever mounts read the status, and nobody else to whom the mount is shown: it tells of all that others do.
const statusMode = 0o400

// fill gives the file's attributes, which are exact. They are whoever mounts's own, whatever Options.Owner says.
func (n *statusNode) fill(out *fuse.Attr) {
	own := owner{uid: uint32(os.Getuid()), gid: uint32(os.Getgid()), fileMode: statusMode}
	own.file(out, int64(len(n.text)), int64(len(n.text)), n.at)
}

// Getattr implements gofuse.NodeGetattrer.
func (n *statusNode) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.fill(&out.Attr)
	out.SetTimeout(exactTimeout)
	return 0
}

// Statfs implements gofuse.NodeStatfser.
func (n *statusNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	n.tree.statfs(out)
	return 0
}

// Open implements gofuse.NodeOpener.
func (n *statusNode) Open(_ context.Context, flags uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY || flags&syscall.O_TRUNC != 0 {
		return nil, 0, syscall.EROFS
	}
	return textHandle(n.text), fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH, 0
}
