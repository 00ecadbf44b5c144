package archive

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
	// Measures says that it asks for an exact size and opens nothing: no media comes for it.
	Measures bool
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
