//go:build e2e

package e2e_test

import (
	"os"
	"sync"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

const (
	// faultRounding is by how much the bounds in the table, whole seconds, may be missed, and yardsticks how many reads in which
	// nothing goes wrong may come on top: what a read under faults does more than once.
	faultRounding = time.Second
	yardsticks    = 5
	// yardstickRest is how long it rests between two reads, so that it is little of the load that it measures.
	yardstickRest = 300 * time.Millisecond
)

// yardstick reads clips, one after the other, of which nothing goes wrong, so as to know how slow this machine is at any time.
type yardstick struct {
	// mu guards reads, the last of which may be under way.
	mu    sync.Mutex
	reads []yardstickRead
}

// yardstickRead is one read.
type yardstickRead struct{ begun, ended time.Time }

// startYardstick reads on a mount of its own until the test ends.
func startYardstick(t *testing.T) *yardstick {
	t.Helper()
	e := harness.StartEmulator(t, "--stream", "yardstick=testcard", "--retention", "5h")
	m := harness.StartMount(t, e)
	y := new(yardstick)
	stop, stopped := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() {
		close(stop)
		<-stopped
		var sum time.Duration
		for _, r := range y.reads {
			sum += r.ended.Sub(r.begun)
		}
		t.Logf("%d reads in which nothing went wrong took %s on average", len(y.reads), sum/time.Duration(max(1, len(y.reads))))
	})
	go func() {
		defer close(stopped)
		for at := faultMinute().Add(-time.Hour); ; at = at.Add(2 * time.Second) { // another clip each time, which nobody has read
			select {
			case <-stop:
				return
			case <-time.After(yardstickRest):
			}
			y.mu.Lock()
			y.reads = append(y.reads, yardstickRead{begun: time.Now()})
			y.mu.Unlock()
			if _, err := os.ReadFile(m.Join("yardstick", nameOf(at), "1m.mp4")); err != nil {
				t.Errorf("where nothing goes wrong: %v", err)
			}
			y.mu.Lock()
			y.reads[len(y.reads)-1].ended = time.Now()
			y.mu.Unlock()
		}
	}()
	return y
}

// slowest gives how long the slowest read took of those that were under way at any time since.
func (y *yardstick) slowest(since time.Time) (most time.Duration) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, r := range y.reads {
		ended := r.ended
		if ended.IsZero() {
			ended = time.Now()
		}
		if ended.After(since) {
			most = max(most, ended.Sub(r.begun))
		}
	}
	return most
}

// inTime checks that something that began then took no longer than the table says, for a machine as slow as this one was.
func (y *yardstick) inTime(t *testing.T, what string, begun time.Time, within time.Duration) {
	t.Helper()
	took := time.Since(begun)
	slow := y.slowest(begun)
	if most := min(within+faultRounding+yardsticks*slow, within+faultSlack); took > most {
		t.Errorf("%s: took %s, want at most %s, or %s where a read in which nothing goes wrong takes %s", what, took, within, most, slow)
	}
}
