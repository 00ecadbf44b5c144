package fs_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"clipfs/fs"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// kernelOf is what the kernel keeps of files that it reads by itself, and what it refuses: see fs/fuse/iomode.c.
type kernelOf struct {
	t *testing.T

	mu     sync.Mutex
	next   int32
	known  map[int32]bool
	refuse syscall.Errno
	calls  int
}

func (k *kernelOf) register(*os.File) (int32, syscall.Errno) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
	if k.refuse != 0 {
		return 0, k.refuse
	}
	k.next++
	k.known[k.next] = true
	return k.next, 0
}

func (k *kernelOf) unregister(id int32) syscall.Errno {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.known[id] {
		k.t.Errorf("number %d given back, which is not known", id)
		return syscall.ENOENT
	}
	delete(k.known, id)
	return 0
}

// nodesOf answers OPEN as nodes do: with the offer of a file or without.
type nodesOf struct {
	fuse.RawFileSystem
	offer func() uint32

	mu   sync.Mutex
	next uint64
	open map[uint64]bool
}

func (n *nodesOf) Open(_ <-chan struct{}, _ *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	for n.next++; n.open[n.next%64]; n.next++ { // handles are given again
	}
	out.Fh = n.next % 64
	n.open[out.Fh] = true
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH | n.offer()
	return fuse.OK
}

func (n *nodesOf) Release(_ <-chan struct{}, in *fuse.ReleaseIn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.open, in.Fh)
}

// books gives the books of a mount on a kernel and nodes that offer a file where offers says so.
func books(t *testing.T, k *kernelOf, offers func() bool) *fs.Books {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "clip"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	k.t, k.known = t, make(map[int32]bool)
	n := &nodesOf{open: make(map[uint64]bool)}
	b := fs.NewBooks(n, k.register, k.unregister)
	n.offer = func() uint32 {
		if offers() {
			return b.Offer(file)
		}
		return 0
	}
	return b
}

// TestOneWayAtATime: whatever is offered when, an inode with open handles is read in one way, from one file, and the kernel
// forgets the file with the last of them.
func TestOneWayAtATime(t *testing.T) {
	var k kernelOf
	var workers sync.WaitGroup
	var mu sync.Mutex
	coin := rand.New(rand.NewPCG(1, 2))
	flip := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return coin.IntN(2) == 0
	}
	b := books(t, &k, flip)
	for worker := range 4 {
		workers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(worker), 3))
			type handle struct {
				fh uint64
				id int32
			}
			node := uint64(worker + 1) // an inode of its own: what the kernel holds of it is what this worker has open
			var open []handle
			for range 5000 {
				if len(open) == 0 || len(open) < 8 && rng.IntN(2) == 0 {
					fh, id, flags := b.Open(node)
					if passed := flags&fuse.FOPEN_PASSTHROUGH != 0; passed != (id != 0) || passed && flags&fuse.FOPEN_KEEP_CACHE != 0 || flags > 0xff {
						t.Errorf("flags %#x with number %d", flags, id)
					}
					if len(open) > 0 && open[0].id != id {
						t.Errorf("number %d beside %d", id, open[0].id)
					}
					open = append(open, handle{fh, id})
					continue
				}
				i := rng.IntN(len(open))
				b.Release(node, open[i].fh)
				open = append(open[:i], open[i+1:]...)
			}
			for _, h := range open {
				b.Release(node, h.fh)
			}
		})
	}
	workers.Wait()
	if len(k.known) != 0 || b.Pending() != 0 {
		t.Errorf("%d files are still known to the kernel, %d pending", len(k.known), b.Pending())
	}
	if k.next < 100 {
		t.Errorf("passed through %d times", k.next)
	}
}

// TestKernelRefuses: a refusal that holds for all files is asked for once, any other each time that an inode is opened first.
func TestKernelRefuses(t *testing.T) {
	for _, test := range []struct {
		errno syscall.Errno
		off   string // of the reason; empty where it stays on
	}{
		{syscall.EPERM, "refuses"}, {syscall.ENOTTY, "refuses"}, {syscall.ELOOP, "stacked"}, {syscall.EMFILE, ""}, {syscall.EBADF, ""},
	} {
		k := kernelOf{refuse: test.errno}
		b := books(t, &k, func() bool { return true })
		for range 3 {
			fh, id, flags := b.Open(7)
			if id != 0 || flags != fuse.FOPEN_KEEP_CACHE|fuse.FOPEN_NOFLUSH {
				t.Errorf("%v: number %d, flags %#x", test.errno, id, flags)
			}
			b.Release(7, fh)
		}
		why := b.Why()
		switch {
		case test.off == "" && (why != nil || k.calls != 3):
			t.Errorf("%v: %v after %d calls, want it asked each time", test.errno, why, k.calls)
		case test.off != "" && (why == nil || !strings.Contains(why.Error(), test.off) || k.calls != 1):
			t.Errorf("%v: %v after %d calls, want %q after one", test.errno, why, k.calls, test.off)
		}
		k.refuse = 0
		if _, id, _ := b.Open(7); (id != 0) != (test.off == "") {
			t.Errorf("%v: number %d when the kernel takes files again", test.errno, id)
		}
	}
}

// TestPassthroughOff: nothing is offered where it is off.
func TestPassthroughOff(t *testing.T) {
	var k kernelOf
	b := books(t, &k, func() bool { return true })
	cause := errors.New("for a test")
	b.Off(cause)
	if _, id, flags := b.Open(1); id != 0 || flags&fuse.FOPEN_PASSTHROUGH != 0 || k.calls != 0 || !errors.Is(b.Why(), cause) {
		t.Errorf("number %d, flags %#x, %d calls, %v", id, flags, k.calls, b.Why())
	}
}
