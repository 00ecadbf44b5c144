package clip

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"clipfs/clip/archive"
)

// usage adds up what is fetched for a clip while it is in use: from when it is opened, or a download for it begins, until
// nobody has it open and no download for it runs. Then that is one line of the log. A download that many clips wait for
// is that of the one that began it.
type usage struct {
	logger *slog.Logger
	stream archive.StreamName
	span   archive.Span

	// mu guards the rest.
	mu sync.Mutex
	// busy counts handles and downloads.
	busy int
	// by is who began the first download, at the time begun; ended is when the last one did.
	by           archive.Operation
	begun, ended time.Time
	bytes        int64
	calls        int
	// spent are told of that in the end, once: the first of bytes and calls, any other of nothing more.
	spent []func(bytes int64, calls int)
}

// used gives the clip's usage.
func (c *Clip) used() *usage {
	if u := c.usage.Load(); u != nil {
		return u
	}
	u := &usage{logger: c.library.options.Logger, stream: c.stream.Name, span: c.span}
	if !c.usage.CompareAndSwap(nil, u) {
		return c.usage.Load()
	}
	return u
}

// take counts a handle or a download in; give has to follow. It works on nil.
func (u *usage) take() {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.busy++
}

// fetched tells of a download that has ended.
func (u *usage) fetched(by archive.Operation, begun time.Time, bytes int64, calls int) {
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

// give counts out what take counted in, and writes the line when nothing is left. It works on nil.
func (u *usage) give() {
	if u == nil {
		return
	}
	u.mu.Lock()
	u.busy--
	if u.busy > 0 {
		u.mu.Unlock()
		return
	}
	spent := u.spent
	u.spent = nil
	defer tellSpent(spent, u.bytes, u.calls)
	if u.calls == 0 {
		u.mu.Unlock()
		return
	}
	by, took, bytes, calls := u.by, u.ended.Sub(u.begun), u.bytes, u.calls
	u.by, u.begun, u.bytes, u.calls = archive.Operation{}, time.Time{}, 0, 0
	u.mu.Unlock()
	u.logger.Info("clip fetched", "stream", u.stream, "span", u.span, "bytes", bytes, "calls", calls,
		"took", took.Round(time.Millisecond), "pid", by.PID, "command", by.Command, "uid", by.UID, "asked", by.ID)
}

// tellSpent tells the first of those who asked, so that nothing is told twice.
func tellSpent(all []func(bytes int64, calls int), bytes int64, calls int) {
	for _, spent := range all {
		spent(bytes, calls)
		bytes, calls = 0, 0
	}
}

// account counts a download that begins, and gives what counts it when it has ended.
func (f *fetch) account(ctx context.Context) func(calls *int, received *int64, err *error) {
	who, begun, c := askedIn(ctx), time.Now(), &f.library.counts
	who.usage.take()
	c.downloads.Add(1)
	return func(calls *int, received *int64, err *error) {
		c.downloads.Add(-1)
		if *err == nil {
			c.payloads.Add(1)
		} else {
			c.failed.Add(1)
		}
		who.usage.fetched(who.operation, begun, *received, *calls)
		who.usage.give()
	}
}
