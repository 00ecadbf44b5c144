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

// startNode is the directory of one start, under the name by which it was looked up: a day, an hour, a minute or an
// instant.
type startNode struct {
	gofuse.Inode
	readOnlyDir
	tree   *tree
	stream archive.StreamName
	path   string
	start  archive.Start
}

var (
	_ gofuse.NodeGetattrer   = (*startNode)(nil)
	_ gofuse.NodeLookuper    = (*startNode)(nil)
	_ gofuse.NodeReaddirer   = (*startNode)(nil)
	_ gofuse.NodeStatfser    = (*startNode)(nil)
	_ gofuse.NodeGetxattrer  = (*startNode)(nil)
	_ gofuse.NodeListxattrer = (*startNode)(nil)
)

// addStart adds the directory of a start to one that it can be looked up in. It costs no call.
func (t *tree) addStart(ctx context.Context, parent *gofuse.Inode, stream archive.StreamName, at string, start archive.Start, out *fuse.EntryOut) *gofuse.Inode {
	child := &startNode{tree: t, stream: stream, path: at, start: start}
	child.fill(&out.Attr)
	setEntry(out, grammarTimeout, dirTimeout)
	t.operations.local(ctx, "lookup", at)
	return parent.NewInode(ctx, child, gofuse.StableAttr{Mode: syscall.S_IFDIR, Ino: inodeNumber(at)})
}

// fill gives the directory's attributes.
func (n *startNode) fill(out *fuse.Attr) { n.tree.owner.dir(out, n.start.Time) }

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

// Lookup implements gofuse.NodeLookuper: a clip or its sidecar that has footage, or a finer start, listed or not. It
// never waits for media.
func (n *startNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	grammar := n.tree.library.Grammar()
	at := path.Join(n.path, name)
	if start, err := grammar.ParseWithin(n.start, name); err == nil {
		return n.tree.addStart(ctx, n.EmbeddedInode(), n.stream, at, start, out), 0
	}
	file, err := grammar.ParseFile(n.start, name)
	if err != nil {
		return nil, n.tree.missing(ctx, name, at, grammar.ExplainFile(n.start, name), err)
	}
	find := n.tree.library.Clip
	if file.Cover {
		find = n.tree.library.Cover
	}
	child, errno := n.tree.addFile(ctx, n.EmbeddedInode(), at, file.Kind, out, func(ctx context.Context) (*clip.Clip, error) {
		return find(ctx, n.stream, file.Span)
	})
	if errno == syscall.ENOENT {
		n.sayNothingYet()
	}
	return child, errno
}

// Readdir implements gofuse.NodeReaddirer: what has footage. As a rule a day lists its hours, an hour its minutes and itself
// as one clip, everything else the listed lengths (clip.Listed). It fetches no media.
func (n *startNode) Readdir(ctx context.Context) (gofuse.DirStream, syscall.Errno) {
	library := n.tree.library
	return n.tree.list(ctx, n.path, func(ctx context.Context) (_ []fuse.DirEntry, err error) {
		var starts []archive.Start
		switch n.start.Precision {
		case archive.Day:
			starts, err = library.DayHours(ctx, n.stream, n.start)
		case archive.Hour:
			if library.Listed().Finer(archive.Hour) {
				starts, err = library.Minutes(ctx, n.stream, n.start)
			}
		}
		if err != nil {
			return nil, err
		}
		lengths, err := library.Lengths(ctx, n.stream, n.start)
		if err == nil && len(starts)+len(lengths) == 0 {
			n.sayNothingYet()
		}
		return append(n.tree.startEntries(n.path, starts), n.tree.fileEntries(n.path, lengths)...), err
	})
}

// Getxattr implements gofuse.NodeGetxattrer: how much footage the directory's period has, and when its first and last
// fragment start. It costs the listing of that period. Of one that is still to come the note says so.
func (n *startNode) Getxattr(ctx context.Context, name string, dest []byte) (uint32, syscall.Errno) {
	if name == xattrPrefix+noteName {
		return n.note(ctx, dest)
	}
	if name == errorXattr {
		return n.tree.listingXattr(n.stream, dest)
	}
	return n.tree.dirXattr(ctx, n.path, name, dest, dirXattrs(), func(ctx context.Context) (clip.Footage, error) {
		return n.tree.library.Footage(ctx, n.stream, n.tree.library.Grammar().Period(n.start))
	})
}

// Listxattr implements gofuse.NodeListxattrer. It costs nothing.
func (n *startNode) Listxattr(_ context.Context, dest []byte) (uint32, syscall.Errno) {
	all := dirXattrs()
	if n.isFuture() {
		all = append(all, dirXattr{name: noteName})
	}
	return listDirXattrs(dest, all)
}
