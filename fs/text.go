package fs

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// textNode is a file that was made when it was looked up. Its inode stands for that text: another text at the same path
// has another generation.
type textNode struct {
	gofuse.Inode
	readOnly
	tree *tree
	text []byte
	time time.Time
	gen  uint64
}

var (
	_ gofuse.NodeGetattrer = (*textNode)(nil)
	_ gofuse.NodeOpener    = (*textNode)(nil)
	_ gofuse.NodeReader    = (*textNode)(nil)
	_ gofuse.NodeStatfser  = (*textNode)(nil)
)

// newTextNode gives the node of a text.
func newTextNode(t *tree, text []byte, at time.Time) *textNode {
	sum := sha256.Sum256(text)
	return &textNode{tree: t, text: text, time: at, gen: binary.BigEndian.Uint64(sum[:])}
}

// fill gives the file's attributes, which are exact.
func (n *textNode) fill(out *fuse.Attr) {
	n.tree.owner.file(out, int64(len(n.text)), int64(len(n.text)), n.time)
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

// Open implements gofuse.NodeOpener.
func (n *textNode) Open(_ context.Context, flags uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY || flags&syscall.O_TRUNC != 0 {
		return nil, 0, syscall.EROFS
	}
	return nil, fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH, 0
}

// Read implements gofuse.NodeReader.
func (n *textNode) Read(_ context.Context, _ gofuse.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	if off < 0 || off >= int64(len(n.text)) {
		return fuse.ReadResultData(nil), 0
	}
	return fuse.ReadResultData(n.text[off:min(off+int64(len(dest)), int64(len(n.text)))]), 0
}
