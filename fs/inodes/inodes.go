// Package inodes bounds how many names of a mount the kernel remembers. It remembers every name that it was told of until it needs memory, or is unmounted, and the
// server keeps a node for each of them: a look at a thousand cameras is 33,000 nodes.
//
// A FileSystem stands before the nodes and counts what the kernel was told of. Once that is too much, it asks the kernel to forget those names that it was told of
// longest ago (FUSE_NOTIFY_PRUNE, Linux 6.18). The kernel keeps what is in use: open files and directories, working directories, and directories of which it knows a
// name. What it forgot it looks up again. Older kernels are left alone.
//
// A file that was opened is never given: with its inode the kernel would drop its pages, and what was read would be read again.
package inodes

import (
	"cmp"
	"slices"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// most is how many names the kernel remembers before it is asked to forget some: less than a KB each.
const most = 8192

// FileSystem counts what the kernel knows of a file system, and has it forget.
type FileSystem struct {
	fuse.RawFileSystem
	// prune asks the kernel to forget inodes that it has no use for; nil where it cannot be asked.
	prune func(nodes []uint64) fuse.Status
	most  int

	// mu guards the rest.
	mu sync.Mutex
	// known has what the kernel was told of; told counts the look-ups that it was told of, and askAt is at which it is asked again.
	known       map[uint64]inode
	told, askAt uint64
	asking      bool
	// opened is how many of the known were opened.
	opened int
}

// inode is one that the kernel knows.
type inode struct {
	// lookups is how often the kernel was told of it and has not taken that back, at is when that was last, by FileSystem.told.
	lookups, at uint64
	// opened says that it is a file that was opened.
	opened bool
}

// New stands before a file system.
func New(of fuse.RawFileSystem) *FileSystem {
	return &FileSystem{RawFileSystem: of, most: most, known: make(map[uint64]inode)}
}

// Serve has the kernel of a server that has greeted it forget, if it can. Nothing was served yet.
func (f *FileSystem) Serve(s *fuse.Server) {
	if s.KernelSettings().SupportsNotify(fuse.NOTIFY_PRUNE) {
		f.prune = s.PruneNotify
	}
}

// Lookup tells the kernel of an inode.
func (f *FileSystem) Lookup(cancel <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	status := f.RawFileSystem.Lookup(cancel, header, name, out)
	if status == fuse.OK && out.NodeId != 0 && f.prune != nil && f.tell(out.NodeId) {
		go f.ask()
	}
	return status
}

// tell notes that the kernel is told of an inode, and reports whether it has to be asked to forget others. The caller asks then.
func (f *FileSystem) tell(node uint64) (ask bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told++
	one := f.known[node]
	one.lookups++
	one.at = f.told
	f.known[node] = one
	if len(f.known)-f.opened <= f.most || f.told < f.askAt || f.asking {
		return false
	}
	f.asking = true
	return true
}

// ask asks the kernel to forget the oldest of what it knows, down to three quarters of what it may. What it does not forget is in use: it counts as
// told just now, and the kernel is asked no sooner than it was told of another quarter.
func (f *FileSystem) ask() {
	oldest := f.oldest()
	_ = f.prune(oldest) // an error is that of an unmount
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asking, f.askAt = false, f.told+uint64(f.most/4)
}

// oldest gives what the kernel is to forget.
func (f *FileSystem) oldest() []uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	nodes := make([]uint64, 0, len(f.known))
	for node, one := range f.known {
		if !one.opened {
			nodes = append(nodes, node)
		}
	}
	slices.SortFunc(nodes, func(a, b uint64) int { return cmp.Compare(f.known[a].at, f.known[b].at) })
	nodes = nodes[:max(0, len(nodes)-f.most*3/4)]
	for _, node := range nodes {
		one := f.known[node]
		one.at = f.told
		f.known[node] = one
	}
	return nodes
}

// Open notes that the kernel may have pages of an inode from now on. Until it is answered that is in use, and where it is refused there are none: a program that
// may open nothing tries all the same.
func (f *FileSystem) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	status := f.RawFileSystem.Open(cancel, in, out)
	if status != fuse.OK {
		return status
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if one, ok := f.known[in.NodeId]; ok && !one.opened {
		one.opened = true
		f.opened++
		f.known[in.NodeId] = one
	}
	return status
}

// Forget takes back look-ups of an inode.
func (f *FileSystem) Forget(node, lookups uint64) {
	f.RawFileSystem.Forget(node, lookups)
	f.mu.Lock()
	defer f.mu.Unlock()
	one, ok := f.known[node]
	switch {
	case !ok:
	case one.lookups <= lookups:
		delete(f.known, node)
		if one.opened {
			f.opened--
		}
	default:
		one.lookups -= lookups
		f.known[node] = one
	}
}
