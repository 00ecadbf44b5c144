package fs

import (
	"context"
	"syscall"
	"time"

	"clipfs/clip/archive"
	"clipfs/fs/pages"
	"clipfs/fs/tree"
)

// face is what all nodes of one mount share.
type face struct {
	tree       *tree.Tree
	owner      owner
	report     *reporter
	deny       *deny
	operations *operations
	waits      patiencePool
	versions   *versions
	pass       *passthrough
	pages      pages.Pool
	replies    replyPool
	// exact has look-ups wait for exact sizes.
	exact bool
}

func newFace(t *tree.Tree, owner owner, o Options) *face {
	operations := newOperations(o.Logger, o.Observer)
	return &face{
		tree:       t,
		owner:      owner,
		report:     &reporter{logger: o.Logger, logged: newOnce()},
		deny:       newDeny(o.Deny, o.Logger),
		operations: operations,
		pass:       newPassthrough(o.Logger, operations.observer, mayPass(o)),
		waits:      patiencePool{signals: signals{proc: procRoot}},
		versions:   newVersions(),
		exact:      o.ExactSizes,
	}
}

// openName is the name of operations that open a file, which wait for a service that refuses connections.
const openName = "open"

// wait runs call with a context that outlasts an interrupt of the caller by a short grace, and turns its error into an
// errno. operation and path are for the log. Look-ups and listings do not wait for long where the service refuses
// connections.
func (f *face) wait(ctx context.Context, operation, path string, call func(context.Context) error) syscall.Errno {
	op := f.operations.begin(ctx)
	op.Brief = operation != openName
	return f.waitAs(ctx, op, operation, path, call)
}

// waitAs is wait for an operation that has its number.
func (f *face) waitAs(ctx context.Context, op archive.Operation, operation, path string, call func(context.Context) error) syscall.Errno {
	begun := time.Now()
	waiting := f.waits.begin(ctx, op)
	defer f.waits.end(waiting)
	errno := f.report.errno(waiting, operation, path, call(waiting))
	f.operations.done(waiting, operation, path, begun, errno)
	return errno
}

// opener numbers the opening of a file, by a process that is told by its name too: it is the one that pays. It is false
// for a process that may not open files.
func (f *face) opener(ctx context.Context, path string, always bool) (op archive.Operation, ok bool) {
	asks := callerOf(ctx, f.waits.signals.proc)
	if !always && !f.deny.opens(asks, path) {
		return op, false
	}
	return archive.Operation{ID: f.operations.last.Add(1), PID: asks.pid, UID: asks.uid, Command: asks.name()}, true
}
