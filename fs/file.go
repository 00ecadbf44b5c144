package fs

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"clipfs/clip/archive"
	"clipfs/fs/tree"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// fileNode is one version of a file. Several may stand for one inode for a moment; all that changes is in the version.
type fileNode struct {
	node
	place   tree.Place
	version *version
}

const (
	// maxNewer is how many newer versions one OPEN tries, of footage that goes on changing.
	maxNewer = 3
	// privateMode keeps the kernel from showing a private file to anyone but its user.
	privateMode = 0o400
)

var (
	_ gofuse.NodeGetattrer = (*fileNode)(nil)
	_ gofuse.NodeOpener    = (*fileNode)(nil)
	_ gofuse.NodeSetattrer = (*fileNode)(nil)
)

// fill gives what is known of the file, without waiting for anything, and how long it is valid.
func (n *fileNode) fill(out *fuse.Attr) (timeout time.Duration) {
	size, exact := n.version.tell()
	own, file := n.face.owner, n.version.file
	if file.Private { // whatever Options.Owner says
		own = owner{uid: uint32(os.Getuid()), gid: uint32(os.Getgid()), fileMode: privateMode}
	}
	own.file(out, size, file)
	if exact {
		return exactTimeout
	}
	return estimateTimeout
}

func (n *fileNode) Getattr(ctx context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.local(ctx, "getattr", 0)
	out.SetTimeout(n.fill(&out.Attr))
	return 0
}

// Open waits for the exact size, and answers ESTALE when the kernel has to look the name up again because it holds
// another size or another version (see the package's documentation).
func (n *fileNode) Open(ctx context.Context, flags uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY || flags&syscall.O_TRUNC != 0 {
		return nil, 0, syscall.EROFS
	}
	begun, pid := time.Now(), callerPID(ctx)
	toAnother := n.face.versions.cameBack(n.version, pid, begun)
	opener, ok := n.face.opener(ctx, n.place.Path, n.version.file.Private)
	if !ok {
		return nil, 0, syscall.EACCES
	}
	var (
		content tree.Reader
		newest  *version
	)
	errno := n.face.waitAs(ctx, opener, openName, n.place.Path, func(ctx context.Context) (err error) {
		newest, content, err = n.open(ctx)
		return err
	})
	if errno != 0 {
		return nil, 0, errno
	}
	if toAnother { // it was told the size a moment ago, and nothing catches a second ESTALE
		time.Sleep(settling)
	}
	now := time.Now()
	waited := now.Sub(begun)
	again := newest.settle(content.Size(), pid, now)
	if newest == n.version {
		newest.recall(func() { _ = n.NotifyContent(-1, 0) }) // an error says that the kernel does not know the inode
	}
	if again || newest != n.version {
		n.face.versions.stick(newest, pid, now)
		newest.waited.Add(int64(waited))
		_ = content.Close() // what it fetched goes on for whoever opens again
		return nil, 0, syscall.ESTALE
	}
	waited += time.Duration(n.version.waited.Swap(0))
	handle := &fileHandle{face: n.face, content: content, path: n.place.Path, opener: opener, waited: waited}
	if content.Complete() {
		return handle, fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH | n.face.backing(content), 0
	}
	// sendfile and mmap go by the page cache all the same. What they have put there is right for good, and if it were
	// not kept, open(2) would wait, deaf to signals, for each page that one of them waits for (fs/fuse/file.c,
	// fuse_finish_open).
	return handle, fuse.FOPEN_DIRECT_IO | fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH, 0
}

// backing gives the bits of an answer to OPEN that offer the kernel the file of a content, where there is one.
func (f *face) backing(content tree.Reader) (flags uint32) {
	if backed, ok := content.(tree.Backed); ok && f.pass.why() == nil {
		if file, ok := backed.Backing(); ok {
			return f.pass.offer(file)
		}
	}
	return 0
}

// open opens the node's version, or a newer one. The kernel has to look the name up again then, and opens but once
// more: it must be told the size at that lookup.
func (n *fileNode) open(ctx context.Context) (v *version, content tree.Reader, err error) {
	v, err = n.face.current(ctx, n.place, n.version, func(file *tree.File) (err error) {
		content, err = file.Open(ctx)
		return err
	})
	return v, content, err
}

// current tries a version of the file at a place or, where the footage is another one by now, the version that there is
// now.
func (f *face) current(ctx context.Context, place tree.Place, v *version, try func(*tree.File) error) (*version, error) {
	for tries := 0; ; tries++ {
		err := try(v.file)
		if !errors.Is(err, archive.ErrChanged) && !errors.Is(err, archive.ErrNoFootage) {
			return v, err
		}
		f.versions.unstick(v)
		found, gone := place.Find(ctx)
		if gone != nil {
			return v, gone
		}
		file, ok := found.(*tree.File)
		if !ok {
			return v, err
		}
		newer := f.versions.of(v.ino, file)
		if newer == v || tries == maxNewer {
			return v, err
		}
		v = newer
	}
}

// measured gives the version of the file at a place whose size is exact. Programs on the list of --deny cause no
// fetching.
func (f *face) measured(ctx context.Context, place tree.Place, v *version) (*version, syscall.Errno) {
	if _, exact := v.file.Size(); exact {
		return v, 0
	}
	opener, ok := f.opener(ctx, place.Path, false)
	if !ok {
		return nil, syscall.EACCES
	}
	opener.Measures = true
	errno := f.waitAs(ctx, opener, "lookup", place.Path, func(ctx context.Context) (err error) {
		v, err = f.current(ctx, place, v, func(file *tree.File) error { return f.tree.Measure(ctx, file) })
		return err
	})
	return v, errno
}
