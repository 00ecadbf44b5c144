package fs

import (
	"slices"
	"sync"

	"clipfs/fs/pages"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// handed answers a read with pages of a file. It has no other fields, so that it is an interface without being allocated.
type handed struct{ run *pages.Run }

var _ fuse.ReadResult = handed{}

// Size is how many bytes there are.
func (h handed) Size() int { return h.run.Size() }

// Stateful gives the pipe from which go-fuse has the kernel take all of them.
func (h handed) Stateful() (fd uintptr, size int) { return h.run.Pipe(), h.run.Size() }

// Bytes gives a copy, where go-fuse has no pipe of its own. An error says that the bytes have gone: fewer of them would be taken for the end of the file.
func (h handed) Bytes(to []byte) ([]byte, fuse.Status) {
	h.run.Refused()
	if len(to) < h.run.Size() || h.run.Read(to) != nil {
		return nil, fuse.EIO
	}
	return to[:h.run.Size()], fuse.OK
}

// Done is called once the kernel has the bytes, or never will.
func (h handed) Done() { h.run.Give() }

// reply answers a read with bytes in memory, which are the request's or stay as they are.
type reply struct {
	pool *replyPool
	part [1][]byte
}

var _ fuse.ReadResult = (*reply)(nil)

// replyPool keeps replies for the next use, so that a read allocates none.
type replyPool struct{ pool sync.Pool }

// of gives the answer that has some bytes.
func (p *replyPool) of(bytes []byte) *reply {
	r, ok := p.pool.Get().(*reply)
	if !ok {
		r = &reply{pool: p}
	}
	r.part[0] = bytes
	return r
}

// Size is how many bytes there are.
func (r *reply) Size() int { return len(r.part[0]) }

// Slices gives them to the system call that answers the kernel. go-fuse would look for a pipe first if there were no Slices.
func (r *reply) Slices() ([][]byte, fuse.Status) { return r.part[:], fuse.OK }

// Bytes gives a copy; go-fuse does not ask for one.
func (r *reply) Bytes([]byte) ([]byte, fuse.Status) { return slices.Clone(r.part[0]), fuse.OK }

// Done is called once the kernel has the bytes, or never will.
func (r *reply) Done() {
	r.part[0] = nil
	r.pool.pool.Put(r)
}
