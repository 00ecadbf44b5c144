//go:build e2e

package e2e_test

import (
	"bytes"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clipfs/cmd/internal/harness"
)

// TestDirectBesidePassthrough: a handle past the page cache takes reads of any length at any offset, also while the kernel reads the
// clip by itself for another.
func TestDirectBesidePassthrough(t *testing.T) {
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off")
	m := harness.StartMount(t, e, "--passthrough=auto")
	path := m.Join("testcard", nameOf(time.Now().Add(-time.Hour).Truncate(time.Minute)), "1m.mp4")
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	direct, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECT, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = direct.Close() }()
	b := make([]byte, 1000)
	if n, err := direct.ReadAt(b, 1); n != len(b) || err != nil || !bytes.Equal(b, want[1:1+len(b)]) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if got, err := io.ReadAll(direct); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d beside it, %v", len(got), len(want), err)
	}
	mapped, err := unix.Mmap(int(f.Fd()), 0, len(want), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil || !bytes.Equal(mapped, want) {
		t.Fatalf("mapped: %d bytes, %v", len(mapped), err)
	}
	_ = unix.Munmap(mapped) // nothing was written
}
