package archive_test

import (
	"testing"

	"clipfs/clip/archive"
)

// closed tells whether a channel is closed.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestDemand(t *testing.T) {
	d := archive.NewDemand(archive.ForAhead)
	changed := d.Changed()
	d.Store(archive.ForAhead)
	if closed(changed) {
		t.Error("a Store of the same priority is told as a change")
	}
	d.Store(archive.ForReader)
	if got := d.Load(); got != archive.ForReader {
		t.Errorf("got priority %d, want ForReader", got)
	}
	if !closed(changed) {
		t.Error("a change is not told")
	}
	if closed(d.Changed()) {
		t.Error("a change is told again")
	}
}

func TestNoDemandIsAReaders(t *testing.T) {
	var d *archive.Demand
	if got := d.Load(); got != archive.ForReader {
		t.Errorf("got priority %d, want ForReader", got)
	}
	if closed(d.Changed()) {
		t.Error("it changes")
	}
}
