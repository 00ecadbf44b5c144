package fs

import (
	"context"
	"errors"
	"path"
	"syscall"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// list makes a directory's listing. One without footage is empty, and so is one of a stream whose fragments may not be
// listed, which is logged once.
func (t *tree) list(ctx context.Context, at string, entries func(context.Context) ([]fuse.DirEntry, error)) (gofuse.DirStream, syscall.Errno) {
	var all []fuse.DirEntry
	empty := false
	errno := t.wait(ctx, "list", at, func(ctx context.Context) (err error) {
		all, err = entries(ctx)
		empty = errors.Is(err, archive.ErrNoFootage) || errors.Is(err, archive.ErrNoRetention) || errors.Is(err, archive.ErrNotListable)
		if empty {
			return nil
		}
		return err
	})
	if errno != 0 {
		return nil, errno
	}
	if empty {
		all = nil
	}
	return gofuse.NewListDirStream(all), 0
}

// entry is one line of a listing.
func entry(dir, name string, mode uint32) fuse.DirEntry {
	return fuse.DirEntry{Name: name, Mode: mode, Ino: inodeNumber(dir, name)}
}

// startEntries lists starts.
func (t *tree) startEntries(dir string, starts []archive.Start) []fuse.DirEntry {
	entries := make([]fuse.DirEntry, 0, len(starts))
	for _, s := range starts {
		entries = append(entries, entry(dir, t.library.Grammar().FormatStart(s.Time, s.Precision), syscall.S_IFDIR))
	}
	return entries
}

// fileEntries lists clips of some lengths, and their sidecars.
func (t *tree) fileEntries(dir string, lengths []time.Duration) []fuse.DirEntry {
	entries := make([]fuse.DirEntry, 0, 2*len(lengths))
	for _, length := range lengths {
		for _, kind := range t.library.Listed().Kinds() {
			entries = append(entries, entry(dir, t.library.Grammar().FormatFile(length, kind), syscall.S_IFREG))
		}
	}
	return entries
}

// addFile adds a clip, or its sidecar, to the directory in which it was looked up. find gives the clip as it is now.
func (t *tree) addFile(ctx context.Context, parent *gofuse.Inode, at string, kind clip.Kind, out *fuse.EntryOut,
	find func(context.Context) (*clip.Clip, error)) (*gofuse.Inode, syscall.Errno) {
	ino := inodeNumber(at)
	if kind != clip.Sidecar {
		if v := t.versions.stuckAt(ino, time.Now()); v != nil {
			return t.addClip(ctx, parent, at, v, find, out), 0
		}
	}
	var c *clip.Clip
	errno := t.wait(ctx, "lookup", at, func(ctx context.Context) (err error) {
		c, err = find(ctx)
		return err
	})
	if errno != 0 {
		return nil, errno
	}
	holds := max(time.Until(c.Expires()), 0)
	if kind == clip.Sidecar {
		return t.addSidecar(ctx, parent, at, c, holds, out)
	}
	v := t.versions.of(ino, c, kind)
	if t.sizes != nil {
		if v, errno = t.measured(ctx, at, v, find); errno != 0 {
			return nil, errno
		}
		holds = max(time.Until(v.clip.Expires()), 0)
	}
	out.SetEntryTimeout(holds)
	return t.addClip(ctx, parent, at, v, find, out), 0
}

// addClip adds a version of a clip; find gives what there is at the path by then.
func (t *tree) addClip(ctx context.Context, parent *gofuse.Inode, at string, v *version, find func(context.Context) (*clip.Clip, error),
	out *fuse.EntryOut) *gofuse.Inode {
	child := &clipNode{tree: t, version: v, path: at, find: find}
	out.SetAttrTimeout(child.fill(&out.Attr))
	return parent.NewInode(ctx, child, gofuse.StableAttr{Mode: syscall.S_IFREG, Ino: v.ino, Gen: v.gen})
}

// addSidecar adds what the listing tells of a clip.
func (t *tree) addSidecar(ctx context.Context, parent *gofuse.Inode, at string, c *clip.Clip, holds time.Duration, out *fuse.EntryOut) (*gofuse.Inode, syscall.Errno) {
	var child *textNode
	errno := t.wait(ctx, "lookup", at, func(ctx context.Context) (err error) {
		child, err = newTextNode(ctx, t, at, c)
		return err
	})
	if errno != 0 {
		return nil, errno
	}
	out.SetEntryTimeout(holds)
	out.SetAttrTimeout(exactTimeout)
	child.fill(&out.Attr)
	return parent.NewInode(ctx, child, gofuse.StableAttr{Mode: syscall.S_IFREG, Ino: inodeNumber(at), Gen: child.gen()}), 0
}

// below gives the path of an entry.
func below(dir archive.StreamName, name string) string { return path.Join(string(dir), name) }
