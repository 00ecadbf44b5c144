// Package queue has what the queues for a limited resource have alike: waiters in the order of their priority and their
// arrival, which leave when their context ends, move up when their demand changes, and go on when they are granted their
// turn. How much of the resource there is, and whose turn it is, is the owner's policy: quota points in clip/kvs,
// bandwidth and downloads in clip.
//
// A Queue has no lock of its own. Its owner calls every method with the lock held that guards its own state as well, but
// Waiter.Wait, which it calls without. The queue calls nothing back under that lock.
package queue

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"clipfs/clip/archive"
)

// Queue is a list of waiters. The zero value is empty.
type Queue[T any] struct {
	waiters []*Waiter[T]
	// arrivals counts all waiters that there were.
	arrivals uint64
}

// Waiter is one that waits for its turn.
type Waiter[T any] struct {
	// Value is what the owner's policy has to know of it.
	Value T

	demand   *archive.Demand
	changed  <-chan struct{}
	priority archive.Priority
	arrival  uint64
	turn     chan struct{}
}

// Add puts a waiter of a demand into the queue, behind those that wait with the same priority.
func (q *Queue[T]) Add(demand *archive.Demand, value T) *Waiter[T] {
	q.arrivals++
	w := &Waiter[T]{
		Value: value, demand: demand, changed: demand.Changed(), arrival: q.arrivals, turn: make(chan struct{}),
	}
	q.waiters = append(q.waiters, w)
	return w
}

// Len is how many wait.
func (q *Queue[T]) Len() int { return len(q.waiters) }

// All yields the waiters by priority, those of one priority by arrival. Priorities are as they are when it begins. The
// loop has to end once a waiter is granted its turn or removed.
func (q *Queue[T]) All() iter.Seq[*Waiter[T]] {
	for _, w := range q.waiters {
		w.priority = w.demand.Load()
	}
	slices.SortFunc(q.waiters, func(a, b *Waiter[T]) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.arrival, b.arrival))
	})
	return slices.Values(q.waiters)
}

// Grant takes a waiter out of the queue and ends its Wait.
func (q *Queue[T]) Grant(w *Waiter[T]) {
	if q.Remove(w) {
		close(w.turn)
	}
}

// Remove takes a waiter out of the queue; false if it is not there, as its turn was granted.
func (q *Queue[T]) Remove(w *Waiter[T]) bool {
	i := slices.Index(q.waiters, w)
	if i < 0 {
		return false
	}
	q.waiters = slices.Delete(q.waiters, i, i+1)
	return true
}

// Priority is the waiter's priority when All was called last.
func (w *Waiter[T]) Priority() archive.Priority { return w.priority }

// Wait returns nil when the waiter's turn is granted. When ctx ends first it returns its cause, and the owner has to
// Remove the waiter; its turn may have been granted in the same moment. After each change of the waiter's demand it calls
// moved, for the owner to choose again; a nil moved leaves that to the owner's next choice.
func (w *Waiter[T]) Wait(ctx context.Context, moved func()) error {
	changed := w.changed
	if moved == nil {
		changed = nil
	}
	for {
		select {
		case <-w.turn:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
			changed = w.demand.Changed()
			moved()
		}
	}
}
