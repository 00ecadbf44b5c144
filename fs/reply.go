package fs

import (
	"slices"
	"sync"

	"clipfs/fs/pages"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// reply answers a read with bytes that lie in several places: pages of files and memory of the request.
type reply struct {
	pool  *replyPool
	parts [][]byte
	size  int
	runs  []*pages.Run

	// what parts and runs begin with: few reads have more.
	fewParts [4][]byte
	fewRuns  [4]*pages.Run
}

var _ fuse.ReadResult = (*reply)(nil)

// replyPool keeps replies for the next use, so that a read allocates none.
type replyPool struct{ pool sync.Pool }

func (p *replyPool) take() *reply {
	if r, ok := p.pool.Get().(*reply); ok {
		return r
	}
	r := &reply{pool: p}
	r.parts, r.runs = r.fewParts[:0], r.fewRuns[:0]
	return r
}

// add puts bytes behind those that are there. Those that lie behind them in memory too are of the same part: one system call takes 1,024 of them at most
// (IOV_MAX, writev(2)), and a read that is not answered never ends.
func (r *reply) add(p []byte) {
	r.size += len(p)
	if last := len(r.parts) - 1; last >= 0 && len(p) > 0 {
		if own, n := r.parts[last], len(r.parts[last]); cap(own) > n && &own[:n+1][n] == &p[0] {
			r.parts[last] = own[:n+len(p)]
			return
		}
	}
	r.parts = append(r.parts, p)
}

// Size is how many bytes there are.
func (r *reply) Size() int { return r.size }

// Slices gives them to the system call that answers the kernel; go-fuse asks for nothing else.
func (r *reply) Slices() ([][]byte, fuse.Status) { return r.parts, fuse.OK }

// Bytes gives a copy.
func (r *reply) Bytes([]byte) ([]byte, fuse.Status) { return slices.Concat(r.parts...), fuse.OK }

// Done is called once the kernel has the bytes, or never will.
func (r *reply) Done() {
	for _, run := range r.runs {
		run.Unmap()
	}
	clear(r.parts)
	r.parts, r.runs, r.size = r.parts[:0], r.runs[:0], 0
	r.pool.pool.Put(r)
}
