package fs

import (
	"crypto/sha256"
	"encoding/binary"
	"path"
	"syscall"
	"time"

	"clipfs/fs/tree"

	"github.com/hanwen/go-fuse/v2/fuse"
)

const (
	linkMode = syscall.S_IFLNK | 0o777
	// blockSize is st_blksize, which programs take as the size of their reads: what cat and cp use anyway.
	blockSize = 128 << 10
	// sectorSize is the unit of st_blocks (stat(2)).
	sectorSize = 512
	// exactTimeout is how long the kernel keeps attributes that never change again, dirTimeout those of directories.
	exactTimeout, dirTimeout = time.Hour, time.Minute
	// estimateTimeout is how long it keeps attributes with a size that is an estimate, unless they are recalled (version.recall).
	estimateTimeout = time.Second
	// grammarTimeout is how long it keeps a name that is valid for good, so that it asks now and then whether the mount
	// is still alive.
	grammarTimeout = time.Hour
)

// dir fills in the attributes of a directory.
func (o owner) dir(out *fuse.Attr, at time.Time) { o.fill(out, syscall.S_IFDIR|o.dirMode, 0, at) }

func (o owner) link(out *fuse.Attr, l *tree.Link) {
	o.fill(out, linkMode, int64(len(l.Target)), l.Time)
}

// file fills in the attributes of a file of which this size is known.
func (o owner) file(out *fuse.Attr, size int64, f *tree.File) {
	o.fill(out, syscall.S_IFREG|o.fileMode, size, f.Time)
	out.Blocks = uint64((f.Stored() + sectorSize - 1) / sectorSize)
}

// fill sets what all entries have. The link count is 1 for directories too, which tells find and the like that the
// number of subdirectories cannot be had from it.
func (o owner) fill(out *fuse.Attr, mode uint32, size int64, at time.Time) {
	out.Mode, out.Size, out.Nlink, out.Blksize = mode, uint64(size), 1, blockSize
	out.Owner = fuse.Owner{Uid: o.uid, Gid: o.gid}
	out.SetTimes(&at, &at, &at)
}

// validFor is how long a name is valid from now on.
func validFor(i *tree.Info) time.Duration {
	if i.ValidUntil.IsZero() {
		return grammarTimeout
	}
	return max(time.Until(i.ValidUntil), 0)
}

// rootInode is the number of the root (FUSE_ROOT_ID).
const rootInode = 1

// inodeNumber is the number of the entry at a path below the mount. It is the same at every look and in every mount of
// the same tree: programs that remember inodes (tar, rsync, indexers) know a file again. It is never 0 (no file), the
// root's, or all ones, which go-fuse keeps for itself.
func inodeNumber(names ...string) uint64 {
	sum := sha256.Sum256([]byte(path.Join(names...)))
	n := binary.BigEndian.Uint64(sum[:])
	for n <= rootInode || n == ^uint64(0) {
		sum = sha256.Sum256(sum[:])
		n = binary.BigEndian.Uint64(sum[:])
	}
	return n
}
