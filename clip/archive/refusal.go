package archive

import (
	"context"
	"sync"
	"time"
)

const (
	// briefShare is which part of ReadTimeout a brief operation waits for a host that refuses connections.
	briefShare = 6
	// longestBrief bounds that time.
	longestBrief = 10 * time.Second
	// newsWithin is how long a brief operation waits all the same where a host has refused for longer: by then an Archive
	// knows whether it still does.
	newsWithin = 1200 * time.Millisecond
)

// BriefWait is how long a host may refuse connections before brief operations fail, where reads may wait for readTimeout.
func BriefWait(readTimeout time.Duration) time.Duration {
	return min(readTimeout/briefShare, longestBrief)
}

// isBrief tells whether an operation fails early where connections are refused.
func isBrief(ctx context.Context) bool {
	op, ok := ctx.Value(OperationKey{}).(*Operation)
	return ok && op.Brief
}

// Patient gives a context whose operation is not brief: a call that several callers share goes on for the patient ones.
func Patient(ctx context.Context) context.Context {
	if !isBrief(ctx) {
		return ctx
	}
	op := *ctx.Value(OperationKey{}).(*Operation)
	op.Brief = false
	return WithOperation(ctx, op)
}

// Refusals tells those who wait for a call whether its connections are refused. The zero value works. A shared call has
// one, and passes it on to those of the calls that wait for it.
type Refusals struct {
	// mu guards the rest.
	mu      sync.Mutex
	since   time.Time // zero where connections are not refused
	err     error
	changed chan struct{} // closed at the next change; nil if nobody waits for one
	waiters []*Refusals
}

// refusalsKey is the key of a *Refusals in a context.
type refusalsKey struct{}

// In gives a context for a call that several share: what Refused is told with it reaches all that Join.
func (r *Refusals) In(ctx context.Context) context.Context {
	return context.WithValue(ctx, refusalsKey{}, r)
}

// Join passes refusals on to whoever waits for the call that ctx belongs to.
func (r *Refusals) Join(ctx context.Context) {
	other, ok := ctx.Value(refusalsKey{}).(*Refusals)
	if !ok || other == r {
		return
	}
	r.mu.Lock()
	r.waiters = append(r.waiters, other)
	since, err := r.since, r.err
	r.mu.Unlock()
	if err != nil {
		other.set(since, err)
	}
}

// Refused tells those who wait for the call of ctx that its host has refused connections since then, and the error to fail
// with; a nil error says that it no longer does. An Archive calls it.
func Refused(ctx context.Context, since time.Time, err error) {
	if r, ok := ctx.Value(refusalsKey{}).(*Refusals); ok {
		r.set(since, err)
	}
}

// set makes a change known.
func (r *Refusals) set(since time.Time, err error) {
	r.mu.Lock()
	r.since, r.err = since, err
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
	waiters := r.waiters
	r.mu.Unlock()
	for _, w := range waiters {
		w.set(since, err)
	}
}

// now gives a channel that is closed when the state changes, and the state.
func (r *Refusals) now() (changed <-chan struct{}, since time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.changed, r.since, r.err
}

// Await returns nil when done is closed, ctx's cause when ctx ends, and for a brief operation the error of the refusal
// when connections have been refused for longer than most and there was time to find out that they still are.
func (r *Refusals) Await(ctx context.Context, done <-chan struct{}, most time.Duration) error {
	if !isBrief(ctx) {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	news := time.Now().Add(min(newsWithin, most))
	for {
		changed, since, err := r.now()
		var over <-chan time.Time
		if err != nil {
			over = time.After(max(time.Until(since.Add(most)), time.Until(news)))
		}
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-over:
			return err
		case <-changed:
		}
	}
}
