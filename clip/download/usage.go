package download

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"clipfs/clip/archive"
)

// By is who a download is for. Its zero value is nobody.
type By struct {
	Operation archive.Operation
	// Usage adds up what is fetched; nil adds up nothing.
	Usage *Usage
}

// usageKey is the key of a *Usage in a context.
type usageKey struct{}

// ByOf gives who asks in a context. It is to be called before the request that the context belongs to is answered.
func ByOf(ctx context.Context) By {
	op, _ := archive.OperationOf(ctx)
	u, _ := ctx.Value(usageKey{}).(*Usage)
	return By{op, u}
}

// In puts it into another context.
func (b By) In(ctx context.Context) context.Context {
	if b.Operation.ID != 0 {
		ctx = archive.WithOperation(ctx, b.Operation)
	}
	if b.Usage != nil {
		ctx = context.WithValue(ctx, usageKey{}, b.Usage)
	}
	return ctx
}

// Usage adds up what is fetched for a clip while it is in use: from when it is opened, or a download for it begins, until it
// is not open and no download for it runs. Then that is one line of the log. A download that many clips wait for is that of
// the one that began it. Take, Give and the counting work on nil.
type Usage struct {
	logger *slog.Logger
	stream archive.StreamName
	span   archive.Span

	// mu guards the rest.
	mu sync.Mutex
	// busy counts handles and downloads.
	busy int
	// by began the first download, at the time begun; ended is when the last one did.
	by           archive.Operation
	begun, ended time.Time
	bytes        int64
	calls        int
	// spent are told of that in the end, once: the first of bytes and calls, any other of nothing more.
	spent []func(bytes int64, calls int)
}

// NewUsage gives one of a clip that is not in use.
func NewUsage(logger *slog.Logger, stream archive.StreamName, span archive.Span) *Usage {
	return &Usage{logger: logger, stream: stream, span: span}
}

// Take counts a handle or a download in. Give has to follow.
func (u *Usage) Take() {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.busy++
}

// Report has spent called once, when the clip is not in use any more, with what was fetched for it.
func (u *Usage) Report(spent func(bytes int64, calls int)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.spent = append(u.spent, spent)
}

// fetched adds a download that has ended.
func (u *Usage) fetched(by archive.Operation, begun time.Time, bytes int64, calls int) {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.begun.IsZero() || begun.Before(u.begun) {
		u.by, u.begun = by, begun
	}
	u.ended = time.Now()
	u.bytes += bytes
	u.calls += calls
}

// Give counts out what Take counted in, and writes the line when nothing is left.
func (u *Usage) Give() {
	if u == nil {
		return
	}
	u.mu.Lock()
	u.busy--
	if u.busy > 0 {
		u.mu.Unlock()
		return
	}
	by, took, bytes, calls, spent := u.by, u.ended.Sub(u.begun), u.bytes, u.calls, u.spent
	u.by, u.begun, u.bytes, u.calls, u.spent = archive.Operation{}, time.Time{}, 0, 0, nil
	u.mu.Unlock()
	if calls > 0 {
		u.logger.Info("clip fetched", "stream", u.stream, "span", u.span, "bytes", bytes, "calls", calls,
			"took", took.Round(time.Millisecond), "pid", by.PID, "command", by.Command, "uid", by.UID, "asked", by.ID)
	}
	for _, tell := range spent {
		tell(bytes, calls)
		bytes, calls = 0, 0 // nothing is told twice
	}
}
