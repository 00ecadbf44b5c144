package clip

import "context"

// Operation is something that was asked of the filesystem, for the log. It travels in contexts through all layers, and
// from the context of whoever asked into that of the downloads it begins, which outlive it.
type Operation struct {
	// ID numbers operations from 1 on; 0 is none.
	ID uint64
	// PID and UID are those of the process that asked, Command is what it is called; 0 and empty where that is not known.
	PID, UID uint32
	Command  string
	// Brief says that it fails once the archive's host has refused connections for a sixth of ReadTimeout, at most 10 s:
	// a look-up or a listing. Others wait for ReadTimeout.
	Brief bool
}

// OperationKey is the key of an *Operation in a context, for contexts that have one without context.WithValue.
type OperationKey struct{}

// WithOperation gives a context that carries an operation.
func WithOperation(ctx context.Context, op Operation) context.Context {
	return context.WithValue(ctx, OperationKey{}, &op)
}

// OperationOf gives the operation that a context carries.
func OperationOf(ctx context.Context) (Operation, bool) {
	if op, ok := ctx.Value(OperationKey{}).(*Operation); ok && op.ID != 0 {
		return *op, true
	}
	return Operation{}, false
}

// asked is who a download is for. Its zero value is nobody.
type asked struct {
	operation Operation
	usage     *usage
}

// usageKey is the key of a *usage in a context.
type usageKey struct{}

// askedIn gives who asks in a context. It is to be called before the request that the context belongs to is answered.
func askedIn(ctx context.Context) asked {
	op, _ := OperationOf(ctx)
	u, _ := ctx.Value(usageKey{}).(*usage)
	return asked{op, u}
}

// in puts it into another context.
func (a asked) in(ctx context.Context) context.Context {
	if a.operation.ID != 0 {
		ctx = WithOperation(ctx, a.operation)
	}
	if a.usage != nil {
		ctx = context.WithValue(ctx, usageKey{}, a.usage)
	}
	return ctx
}

// reader gives who reads the clip in a context.
func (c *Clip) reader(ctx context.Context) asked {
	who := askedIn(ctx)
	who.usage = c.used()
	return who
}

// asks gives a context in which whatever is fetched is fetched for this clip.
func (c *Clip) asks(ctx context.Context) context.Context {
	return c.reader(ctx).in(ctx)
}
