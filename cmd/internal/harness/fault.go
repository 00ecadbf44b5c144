package harness

import (
	"context"
	"testing"
	"time"
)

const faultTimeout = 20 * time.Second

// faultContext is for changes of faults. The test's own context may be over: they are for its cleanup too.
func faultContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), faultTimeout)
}

// Fault is something that goes wrong in an emulator, on purpose.
type Fault struct {
	emulator *Emulator
	id       int64
}

// Fault makes something go wrong from now on, in the grammar of --fault, until Remove or the end of the test.
func (e *Emulator) Fault(t testing.TB, rule string) *Fault {
	t.Helper()
	ctx, cancel := faultContext()
	defer cancel()
	all, err := e.Control(t).AddFaults(ctx, rule)
	if err != nil || len(all) != 1 {
		t.Fatalf("fault %q: %+v, %v", rule, all, err)
	}
	f := &Fault{emulator: e, id: all[0].ID}
	t.Cleanup(func() {
		ctx, cancel := faultContext()
		defer cancel()
		_ = e.Control(t).RemoveFault(ctx, f.id) // it may be gone already
	})
	return f
}

// Remove ends it.
func (f *Fault) Remove(t testing.TB) {
	t.Helper()
	ctx, cancel := faultContext()
	defer cancel()
	if err := f.emulator.Control(t).RemoveFault(ctx, f.id); err != nil {
		t.Fatal(err)
	}
}

// Hits is how many calls it has hit.
func (f *Fault) Hits(t testing.TB) int64 {
	t.Helper()
	ctx, cancel := faultContext()
	defer cancel()
	all, err := f.emulator.Control(t).Faults(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range all {
		if set.ID == f.id {
			return set.Hits
		}
	}
	t.Fatal("the fault is gone")
	return 0
}

// Await waits until it has hit a call.
func (f *Fault) Await(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); f.Hits(t) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the service was not asked")
		}
	}
}
