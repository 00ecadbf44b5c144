package fs

import (
	"context"
	"sync"
	"time"

	"clipfs/clip/archive"
)

// grace is how long a request goes on after its caller was interrupted: data that is nearly there is still taken. It is
// also the interval at which the caller's signals are checked (type signals). Nobody who presses Ctrl-C notices it.
const grace = 50 * time.Millisecond

// patience is the context of one request: it ends grace after the caller's if a signal wants that, or when the request
// has been answered. It costs neither a goroutine nor a timer until something waits for it, so that a read of bytes
// that are there allocates nothing.
type patience struct {
	signals   signals
	caller    context.Context
	operation archive.Operation

	// mu guards the rest.
	mu       sync.Mutex
	done     chan struct{} // made by the first Done before the answer
	ended    chan struct{} // closed by end; made with done
	over     bool
	answered bool
}

var _ context.Context = (*patience)(nil)

// patiencePool keeps those for which Done was never called: nothing can be waiting on them any more.
type patiencePool struct {
	signals signals
	pool    sync.Pool
}

// begin makes the context for a request whose caller has ctx; it carries the operation. end must be called with it.
func (p *patiencePool) begin(ctx context.Context, op archive.Operation) *patience {
	c, ok := p.pool.Get().(*patience)
	if !ok {
		c = new(patience)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signals, c.caller, c.operation, c.answered = p.signals, ctx, op, false
	return c
}

// end says that the request is answered. The context is not to be used for waiting after that.
func (p *patiencePool) end(c *patience) {
	c.mu.Lock()
	waited := c.done != nil
	c.answered = true
	if waited {
		close(c.ended)
	}
	c.mu.Unlock()
	if !waited {
		p.pool.Put(c)
	}
}

// Deadline is none: the library has deadlines of its own.
func (c *patience) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value gives the operation and is nil for every other key, whatever the caller's context has: a call that was begun
// for this request and outlives it keeps the context for its values. It has waited on Done, so the context is not used
// for another request.
func (c *patience) Value(key any) any {
	if _, ok := key.(archive.OperationKey); ok {
		return &c.operation
	}
	return nil
}

func (c *patience) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil && c.answered {
		over := make(chan struct{})
		close(over)
		return over
	}
	if c.done == nil {
		c.done, c.ended = make(chan struct{}), make(chan struct{})
		go c.watch(c.caller.Done(), callerPID(c.caller))
	}
	return c.done
}

func (c *patience) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return context.Canceled
	}
	return nil
}

// watch ends the context when it is due.
func (c *patience) watch(interrupted <-chan struct{}, thread uint32) {
	select {
	case <-interrupted:
		c.outlast(thread)
	case <-c.ended:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	close(c.done)
}

// outlast waits until the interrupted caller is given up, or the request is answered.
func (c *patience) outlast(thread uint32) {
	t := time.Tick(grace)
	for {
		select {
		case <-t:
			if c.signals.end(thread) {
				return
			}
		case <-c.ended:
			return
		}
	}
}
