package queue_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"clipfs/clip/archive"
	"clipfs/clip/queue"
)

// desk serves one waiter each time that it is told to. It is what an owner of a queue looks like.
type desk struct {
	// mu guards what follows.
	mu      sync.Mutex
	waiting queue.Queue[string]
	choices int
}

// names gives who waits, in their order.
func (d *desk) names() (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for w := range d.waiting.All() {
		names = append(names, w.Value)
	}
	return names
}

// serve grants the next one its turn.
func (d *desk) serve() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for w := range d.waiting.All() {
		d.waiting.Grant(w)
		return
	}
}

// choose counts how often somebody moved.
func (d *desk) choose() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.choices++
}

// add puts a waiter of a priority into the queue.
func (d *desk) add(name string, demand *archive.Demand) *queue.Waiter[string] {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waiting.Add(demand, name)
}

// remove takes a waiter out.
func (d *desk) remove(w *queue.Waiter[string]) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waiting.Remove(w)
}

func TestOrder(t *testing.T) {
	var d desk
	late := archive.NewDemand(archive.ForAhead)
	d.add("ahead 1", archive.NewDemand(archive.ForAhead))
	d.add("late", late)
	d.add("ahead 2", archive.NewDemand(archive.ForAhead))
	gone := d.add("gone", archive.NewDemand(archive.ForReader))
	d.add("head", archive.NewDemand(archive.ForHead))
	d.add("reader", nil)
	if want := []string{"gone", "reader", "head", "ahead 1", "late", "ahead 2"}; !slices.Equal(d.names(), want) {
		t.Errorf("got %q, want %q", d.names(), want)
	}
	late.Store(archive.ForReader)
	if !d.remove(gone) || d.remove(gone) {
		t.Error("a waiter is removed once")
	}
	// A waiter that moves up keeps its arrival, and gets its place again when it moves back.
	if want := []string{"late", "reader", "head", "ahead 1", "ahead 2"}; !slices.Equal(d.names(), want) {
		t.Errorf("got %q, want %q", d.names(), want)
	}
	late.Store(archive.ForAhead)
	if want := []string{"reader", "head", "ahead 1", "late", "ahead 2"}; !slices.Equal(d.names(), want) {
		t.Errorf("got %q, want %q", d.names(), want)
	}
}

func TestGrant(t *testing.T) {
	var d desk
	w := d.add("first", nil)
	other := d.add("second", nil)
	d.serve()
	if err := w.Wait(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if d.remove(w) {
		t.Error("still in the queue after its turn was granted")
	}
	if !d.remove(other) || d.waiting.Len() != 0 {
		t.Errorf("the other is not there; %d left", d.waiting.Len())
	}
	d.waiting.Grant(other) // which has left: it is not granted
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	cancel(why)
	if err := other.Wait(ctx, nil); !errors.Is(err, why) {
		t.Errorf("got %v, want the cause of the context's end", err)
	}
}

// TestMoved: the owner is told of each change of a demand, from the moment on that its waiter was added, and not under
// its lock.
func TestMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d desk
		demand := archive.NewDemand(archive.ForAhead)
		w := d.add("first", demand)
		demand.Store(archive.ForHead) // before it waits
		served := make(chan error, 1)
		go func() { served <- w.Wait(t.Context(), d.choose) }()
		synctest.Wait()
		demand.Store(archive.ForReader)
		synctest.Wait()
		demand.Store(archive.ForReader) // which it is
		synctest.Wait()
		d.mu.Lock()
		if d.choices != 2 {
			t.Errorf("told of %d changes, want 2", d.choices)
		}
		d.mu.Unlock()
		d.serve()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}
