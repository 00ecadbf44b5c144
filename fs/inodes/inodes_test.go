package inodes_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"clipfs/fs/inodes"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// numbers is a file system whose names are the numbers of their inodes.
type numbers struct{ fuse.RawFileSystem }

func (numbers) Lookup(_ <-chan struct{}, _ *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	n, err := strconv.ParseUint(name, 10, 64)
	if err != nil {
		return fuse.ENOENT
	}
	out.NodeId = n // 0 is a name that is not there, for as long as the answer is valid
	return fuse.OK
}

// refused is from which number on files may not be opened.
const refused = 1000

func (numbers) Open(_ <-chan struct{}, in *fuse.OpenIn, _ *fuse.OpenOut) fuse.Status {
	if in.NodeId >= refused {
		return fuse.EACCES
	}
	return fuse.OK
}
func (numbers) Forget(uint64, uint64) {}

// kernel knows what it was told of, and forgets what it is asked to unless that is in use.
type kernel struct {
	t     *testing.T
	fs    *inodes.FileSystem
	mu    sync.Mutex
	known map[uint64]uint64
	inUse map[uint64]bool
	asked [][]uint64
}

func newKernel(t *testing.T, most int) *kernel {
	k := &kernel{t: t, known: make(map[uint64]uint64), inUse: make(map[uint64]bool)}
	k.fs = inodes.Bound(numbers{}, most, k.prune)
	return k
}

func (k *kernel) prune(nodes []uint64) fuse.Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked = append(k.asked, slices.Clone(nodes))
	for _, n := range nodes {
		if lookups := k.known[n]; lookups > 0 && !k.inUse[n] {
			delete(k.known, n)
			k.fs.Forget(n, lookups)
		}
	}
	return fuse.OK
}

// look looks names up, one after the other.
func (k *kernel) look(names ...int) {
	k.t.Helper()
	for _, n := range names {
		var out fuse.EntryOut
		if status := k.fs.Lookup(nil, &fuse.InHeader{}, strconv.Itoa(n), &out); status != fuse.OK {
			k.t.Fatal(status)
		}
		k.mu.Lock()
		k.known[out.NodeId]++
		k.mu.Unlock()
		synctest.Wait()
	}
}

// span gives the numbers from one on up to another.
func span(from, to int) (all []int) {
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

// TestOldestAreForgotten: the kernel is asked to forget what it was told of longest ago, some at a time.
func TestOldestAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t, 8)
		k.look(span(1, 9)...)
		if len(k.asked) != 0 {
			t.Fatalf("asked for %v of 8", k.asked)
		}
		k.look(1) // again
		k.look(9)
		if want := [][]uint64{{2, 3, 4}}; !slices.EqualFunc(k.asked, want, slices.Equal) || k.fs.Known() != 6 {
			t.Errorf("asked for %v, want %v; %d known", k.asked, want, k.fs.Known())
		}
		k.look(span(10, 1000)...)
		if n := k.fs.Known(); n > 8 || n != len(k.known) {
			t.Errorf("%d known, the kernel knows %d", n, len(k.known))
		}
	})
}

// TestInUseIsAskedForNowAndThen: where all is in use the kernel is not asked at each look-up.
func TestInUseIsAskedForNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t, 8)
		for n := range uint64(108) {
			k.inUse[n] = true
		}
		k.look(span(1, 108)...)
		if n := len(k.asked); n == 0 || n > 100/2+1 {
			t.Errorf("asked %d times in 99 look-ups that were too many", n)
		}
		clear(k.inUse)
		k.look(span(200, 210)...)
		if n := k.fs.Known(); n > 8+2 {
			t.Errorf("%d known once nothing is in use", n)
		}
	})
}

// TestOpenedStays: with the inode of a file that was opened the kernel would drop its pages.
func TestOpenedStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t, 8)
		k.look(span(1, 5)...)
		for n := range uint64(5) {
			k.fs.Open(nil, &fuse.OpenIn{InHeader: fuse.InHeader{NodeId: n}}, &fuse.OpenOut{})
		}
		k.look(span(5, 100)...)
		for _, nodes := range k.asked {
			for _, n := range nodes {
				if n < 5 {
					t.Errorf("asked to forget the opened %d", n)
				}
			}
		}
		if n := k.fs.Known(); n < 4 || n > 4+8 {
			t.Errorf("%d known, of which 4 were opened", n)
		}
		for n := range uint64(5) { // the kernel needs memory
			k.fs.Forget(n, k.known[n])
			delete(k.known, n)
		}
		k.look(span(100, 200)...)
		if n := k.fs.Known(); n > 8 {
			t.Errorf("%d known after the opened are forgotten", n)
		}
	})
}

// TestRefusedDoesNotStay: what was not opened has no pages: an indexer that may open nothing, and tries each file, does not have them all remembered.
func TestRefusedDoesNotStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t, 8)
		for n := refused; n < refused+100; n++ {
			k.look(n)
			if status := k.fs.Open(nil, &fuse.OpenIn{InHeader: fuse.InHeader{NodeId: uint64(n)}}, &fuse.OpenOut{}); status != fuse.EACCES {
				t.Fatal(status)
			}
		}
		if n := k.fs.Known(); n > 8+1 {
			t.Errorf("%d names are known, and none was opened", n)
		}
	})
}

// TestAllAtOnce: however look-ups, opens, forgets and prunes meet, what is taken to be known is what the kernel knows.
func TestAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t, 8)
		var all sync.WaitGroup
		for worker := range uint64(4) {
			random := rand.New(rand.NewPCG(1, worker))
			all.Go(func() {
				for range 5000 {
					n := random.Uint64N(refused+20) + 1
					var out fuse.EntryOut
					k.fs.Lookup(nil, &fuse.InHeader{}, strconv.FormatUint(n, 10), &out)
					k.mu.Lock()
					k.known[n]++
					k.mu.Unlock()
					if random.IntN(3) == 0 {
						k.fs.Open(nil, &fuse.OpenIn{InHeader: fuse.InHeader{NodeId: n}}, &fuse.OpenOut{})
					}
					k.mu.Lock()
					if other := random.Uint64N(refused+20) + 1; k.known[other] > 0 { // the kernel needs memory
						k.fs.Forget(other, k.known[other])
						delete(k.known, other)
					}
					k.mu.Unlock()
				}
			})
		}
		all.Wait()
		synctest.Wait()
		if n := k.fs.Known(); n != len(k.known) {
			t.Errorf("%d known, the kernel knows %d", n, len(k.known))
		}
		for n, lookups := range k.known {
			k.fs.Forget(n, lookups)
		}
		if n := k.fs.Known(); n != 0 {
			t.Errorf("%d known once the kernel has forgotten all", n)
		}
	})
}

// TestForgetTakesBackLookUps: an inode is forgotten when all look-ups of it are taken back. One that is looked up meanwhile stays.
func TestForgetTakesBackLookUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(t, 8)
		k.look(1, 1, 1, 0)
		k.fs.Forget(1, 2)
		if n := k.fs.Known(); n != 1 {
			t.Errorf("%d known with a look-up left", n)
		}
		k.fs.Forget(1, 1)
		k.fs.Forget(7, 1)
		if n := k.fs.Known(); n != 0 {
			t.Errorf("%d known with none left", n)
		}
	})
}
