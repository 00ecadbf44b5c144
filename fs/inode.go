package fs

import (
	"crypto/sha256"
	"encoding/binary"
	"path"
)

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
