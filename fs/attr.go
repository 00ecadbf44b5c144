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
	// exactTimeout is how long attributes that never change again hold.
	exactTimeout = time.Hour
	// dirTimeout is how long the attributes of directories and links hold.
	dirTimeout = time.Minute
	// grammarTimeout is how long a name holds that follows from the grammar alone. It always does; the bound is there so
	// that a kernel which has not looked for long asks whether we are still there.
	grammarTimeout = time.Hour
)

// dir fills in the attributes of a directory. Its link count is 1, which tells find and the like that the number of
// subdirectories cannot be had from it.
func (o owner) dir(out *fuse.Attr, at time.Time) {
	o.fill(out, syscall.S_IFDIR|o.dirMode, at)
	out.Blksize = blockSize
}

// link fills in the attributes of a symbolic link.
func (o owner) link(out *fuse.Attr, target string, at time.Time) {
	o.fill(out, linkMode, at)
	out.Blksize = blockSize
	out.Size = uint64(len(target))
}

// file fills in the attributes of a clip of which only size bytes and the stored media are known.
func (o owner) file(out *fuse.Attr, size, media int64, at time.Time) {
	o.fill(out, syscall.S_IFREG|o.fileMode, at)
	out.Blksize = blockSize
	out.Size = uint64(size)
	out.Blocks = uint64((media + sectorSize - 1) / sectorSize)
}

// fill sets what all entries have.
func (o owner) fill(out *fuse.Attr, mode uint32, at time.Time) {
	out.Mode = mode
	out.Nlink = 1
	out.Owner = fuse.Owner{Uid: o.uid, Gid: o.gid}
	out.SetTimes(&at, &at, &at)
}

// validFor is how long a name holds from now on.
func validFor(i *tree.Info) time.Duration {
	if i.ValidUntil.IsZero() {
		return grammarTimeout
	}
	return max(time.Until(i.ValidUntil), 0)
}

// setEntry gives the kernel a directory entry that holds for entry, with attributes that hold for attr.
func setEntry(out *fuse.EntryOut, entry, attr time.Duration) {
	out.SetEntryTimeout(entry)
	out.SetAttrTimeout(attr)
}

// rootInode is the number of the root (FUSE_ROOT_ID).
const rootInode = 1

// inodeNumber gives the number of the entry at a path below the mount: the same one at every look and in every mount
// of the same tree, so that programs which remember inodes (tar, rsync, indexers) know a file again. It is never 0
// (no file), the root's, or all ones, which go-fuse keeps for itself.
func inodeNumber(names ...string) uint64 {
	sum := sha256.Sum256([]byte(path.Join(names...)))
	n := binary.BigEndian.Uint64(sum[:])
	for n <= rootInode || n == ^uint64(0) {
		sum = sha256.Sum256(sum[:])
		n = binary.BigEndian.Uint64(sum[:])
	}
	return n
}
