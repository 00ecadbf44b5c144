package fs

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"syscall"

	"clipfs/clip"
	"clipfs/clip/archive"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// textNode is a file whose text is written when it is opened: those of a day's clips together are too much to keep. Its
// inode stands for one text: another one at the same path has another generation.
type textNode struct {
	gofuse.Inode
	readOnly
	tree *tree
	path string
	clip *clip.Clip
	size int64
	sum  [sha256.Size]byte
}

var (
	_ gofuse.NodeGetattrer = (*textNode)(nil)
	_ gofuse.NodeOpener    = (*textNode)(nil)
	_ gofuse.NodeStatfser  = (*textNode)(nil)
)

// newTextNode gives the node of what is known of a clip now.
func newTextNode(ctx context.Context, t *tree, path string, c *clip.Clip) (*textNode, error) {
	text, err := c.Sidecar(ctx)
	if err != nil {
		return nil, err
	}
	return &textNode{tree: t, path: path, clip: c, size: text.Size(), sum: text.Sum()}, nil
}

// gen is the generation that tells texts apart.
func (n *textNode) gen() uint64 { return binary.BigEndian.Uint64(n.sum[:]) }

// fill gives the file's attributes, which are exact.
func (n *textNode) fill(out *fuse.Attr) {
	n.tree.owner.file(out, n.size, n.size, n.clip.Span().End)
}

// Getattr implements gofuse.NodeGetattrer.
func (n *textNode) Getattr(_ context.Context, _ gofuse.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.fill(&out.Attr)
	out.SetTimeout(exactTimeout)
	return 0
}

// Statfs implements gofuse.NodeStatfser.
func (n *textNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	n.tree.statfs(out)
	return 0
}

// Open implements gofuse.NodeOpener. Where the text is another one by now it answers ESTALE, and the kernel looks the
// name up again.
func (n *textNode) Open(ctx context.Context, flags uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY || flags&syscall.O_TRUNC != 0 {
		return nil, 0, syscall.EROFS
	}
	if !n.tree.deny.opens(ctx, n.path) {
		return nil, 0, syscall.EACCES
	}
	var text *clip.SidecarText
	errno := n.tree.wait(ctx, openName, n.path, func(ctx context.Context) (err error) {
		text, err = n.clip.Sidecar(ctx)
		if err == nil && text.Sum() != n.sum {
			err = fmt.Errorf("%s says something else by now: %w", n.path, archive.ErrChanged)
		}
		return err
	})
	if errno != 0 {
		return nil, 0, errno
	}
	return textHandle(text.Text()), fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH, 0
}

// textHandle is an open textNode.
type textHandle []byte

var _ gofuse.FileReader = textHandle(nil)

// Read implements gofuse.FileReader.
func (h textHandle) Read(_ context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	if off < 0 || off >= int64(len(h)) {
		return fuse.ReadResultData(nil), 0
	}
	return fuse.ReadResultData(h[off:min(off+int64(len(dest)), int64(len(h)))]), 0
}
