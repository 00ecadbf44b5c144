package fs

import (
	"context"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"clipfs/clip"
	"clipfs/clip/archive"
)

// tree is what all nodes of one mount share.
type tree struct {
	library *clip.Library
	owner   owner
	mounted time.Time
	report  *reporter
	callers *callers
	deny    *deny
	// explained logs what is wrong with names.
	explained *explainer

	// status gives the text of status.json; nil where there is none.
	status func() ([]byte, error)

	operations *operations
	// sizes has look-ups wait for exact sizes; nil where they do not.
	sizes *exactSizes

	waits    patiencePool
	versions *versions
}

// openName is the name of operations that open a file, which wait for a service that refuses connections.
const openName = "open"

// wait runs call with a context that outlasts an interrupt of the caller by a short grace, and turns its error into an
// errno. operation and path are for the log. Look-ups and listings do not wait for long where the service refuses
// connections.
func (t *tree) wait(ctx context.Context, operation, path string, call func(context.Context) error) syscall.Errno {
	op := t.operations.begin(ctx)
	op.Brief = operation != openName
	return t.waitAs(ctx, op, operation, path, call)
}

// waitAs is wait for an operation that has its number.
func (t *tree) waitAs(ctx context.Context, op archive.Operation, operation, path string, call func(context.Context) error) syscall.Errno {
	begun := time.Now()
	waiting := t.waits.begin(ctx, op)
	defer t.waits.end(waiting)
	errno := t.report.errno(waiting, operation, path, call(waiting))
	t.operations.done(waiting, operation, path, begun, errno)
	return errno
}

// statfs answers from here: df must not hang when the network does. The numbers mean nothing, but some programs refuse
// to work with a filesystem of no size.
func (t *tree) statfs(out *fuse.StatfsOut) {
	const block, total = 4096, 1 << 32 // 16 TiB
	*out = fuse.StatfsOut{
		Blocks: total, Bfree: total / 2, Bavail: total / 2,
		Files: total, Ffree: total / 2,
		Bsize: block, Frsize: block, NameLen: maxName,
	}
}

// maxName is the longest name that a stream can have.
const maxName = 256
