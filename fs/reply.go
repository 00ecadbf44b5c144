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

// add puts bytes behind those that are there.
func (r *reply) add(p []byte) { r.parts, r.size = append(r.parts, p), r.size+len(p) }

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
