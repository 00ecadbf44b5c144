package archive

import (
	"sync"
	"sync/atomic"
)

// Priority says what a payload is wanted for: calls of a lower one go first. Calls for heads leave half the rate of a
// stream's quota to others that read it.
type Priority int

const (
	// ForReader is when a reader waits for bytes of it.
	ForReader Priority = iota
	// ForHead is when the opening of a clip waits for its head.
	ForHead
	// ForAhead is when nothing waits for it yet.
	ForAhead
)

// Demand is the priority of a payload, which changes as readers come and go. It is safe for concurrent use. A nil Demand
// is that of a reader, and does not change.
type Demand struct {
	priority atomic.Int64

	// mu guards changed, which is closed at the next change; nil if nobody waits for one.
	mu      sync.Mutex
	changed chan struct{}
}

// NewDemand returns a demand of a priority.
func NewDemand(p Priority) *Demand {
	d := &Demand{}
	d.priority.Store(int64(p))
	return d
}

// Load returns the priority. It takes no lock.
func (d *Demand) Load() Priority {
	if d == nil {
		return ForReader
	}
	return Priority(d.priority.Load())
}

// Changed returns a channel that is closed at the next change. A Load after it misses none.
func (d *Demand) Changed() <-chan struct{} {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changed == nil {
		d.changed = make(chan struct{})
	}
	return d.changed
}

// Store sets the priority.
func (d *Demand) Store(p Priority) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.Load() == p {
		return
	}
	d.priority.Store(int64(p))
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}
