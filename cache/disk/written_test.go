package disk_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache/disk"

	"golang.org/x/sys/unix"
)

// isProven reports whether the next process has nothing to check of a pair.
func isProven(t *testing.T, d *disk.Directory, name disk.Name) bool {
	t.Helper()
	open, checks, _, err := found(d, name).Open(d, name.Size, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
	return checks == nil
}

// TestProofComesAfterTheDisk: the proof is written once the disk has the data, and only where it says so.
func TestProofComesAfterTheDisk(t *testing.T) {
	for _, test := range []struct {
		name   string
		sync   error
		change bool
		proven bool
		want   error
	}{
		{"taken", nil, false, true, nil},
		{"failed", unix.EIO, false, false, disk.ErrLost},
		{"full", unix.ENOSPC, false, false, disk.ErrLost},
		{"a file system that cannot tell", unix.EINVAL, false, false, nil},
		{"changed by another program", nil, true, false, nil},
	} {
		d, name := pairOf(t, bytes.Repeat([]byte("clip"), 1000))
		if isProven(t, d, name) {
			t.Errorf("%s: proven before the disk has it", test.name)
		}
		d.Sync = func(f *os.File) error {
			if isProven(t, d, name) {
				t.Errorf("%s: proven while the disk is told", test.name)
			}
			return test.sync
		}
		if test.change {
			if err := os.Chmod(found(d, name).Path(), 0o400); err != nil {
				t.Fatal(err)
			}
		}
		w := disk.DueWritten(t, d)
		if w.Name() != name {
			t.Errorf("%s: the proof of %v is due, want %v", test.name, w.Name(), name)
		}
		err := w.Prove(t.Context(), d)
		if test.want == nil && err != nil || !errors.Is(err, test.want) || test.want != nil && !errors.Is(err, test.sync) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if got := isProven(t, d, name); got != test.proven {
			t.Errorf("%s: proven %t", test.name, got)
		}
		if w, _ := d.NextWritten(); w != nil {
			t.Errorf("%s: it is due again", test.name)
		}
	}
}

// TestProofIsDueInAWhile: nothing is due for half a minute, unless too much waits.
func TestProofIsDueInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, name := pairOf(t, make([]byte, 5000))
		w, again := d.NextWritten()
		if w != nil || again <= 0 || again > 30*time.Second {
			t.Fatalf("due at once: %t, again %s", w != nil, again)
		}
		time.Sleep(29 * time.Second)
		if w, again := d.NextWritten(); w != nil || again != time.Second {
			t.Errorf("due after 29 s: %t, again %s", w != nil, again)
		}
		time.Sleep(time.Second)
		if w, _ = d.NextWritten(); w == nil || w.Name() != name {
			t.Fatal("not due after 30 s")
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestManyWaitForTheirProof: from half of the most on the oldest are due at once, and those beyond the most are not kept open.
func TestManyWaitForTheirProof(t *testing.T) {
	d, _ := pairOf(t, make([]byte, 100))
	for i := range 2 * disk.MaxWritten {
		sealPair(t, d, int64(i+2), make([]byte, 100))
	}
	taken := 0
	for w, _ := d.NextWritten(); w != nil; w, _ = d.NextWritten() {
		taken++
		if got := w.Name().Created; got != int64(taken) {
			t.Fatalf("%d is due as number %d", got, taken)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if taken != disk.MaxWritten/2 {
		t.Errorf("%d are due at once, want %d", taken, disk.MaxWritten/2)
	}
}

// TestRemovedBeforeItIsProven: what waits for its proof keeps no space once it is removed.
func TestRemovedBeforeItIsProven(t *testing.T) {
	d, name := pairOf(t, make([]byte, 5000))
	f := found(d, name)
	open, err := f.Again()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = open.Close() }() // only read from
	if !disk.InUse(open) {
		t.Fatal("it is not kept open")
	}
	if !f.Remove(d) || disk.InUse(open) {
		t.Error("it is still open, or there")
	}
}

// TestDiskThatHangs: a disk that does not answer keeps nobody from ending.
func TestDiskThatHangs(t *testing.T) {
	d, name := pairOf(t, make([]byte, 5000))
	hangs := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	d.Sync = func(*os.File) error {
		cancel()
		<-hangs
		return nil
	}
	if err := disk.DueWritten(t, d).Prove(ctx, d); err != nil {
		t.Error(err)
	}
	close(hangs)
	if isProven(t, d, name) {
		t.Error("proven although the disk has not answered")
	}
}
