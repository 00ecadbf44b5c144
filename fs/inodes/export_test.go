package inodes

import "github.com/hanwen/go-fuse/v2/fuse"

// Bound gives a FileSystem that has the kernel forget by a function, once it knows more than so many inodes.
func Bound(of fuse.RawFileSystem, most int, prune func([]uint64) fuse.Status) *FileSystem {
	f := New(of)
	f.most, f.prune = most, prune
	return f
}

// Known is how many inodes the kernel is taken to know.
func (f *FileSystem) Known() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.known)
}
