//go:build e2e

package e2e_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// forgotten reads all of an open file whose pages the kernel has forgotten. A read that fails ends it.
func forgotten(f *os.File, size int) ([]byte, error) {
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return nil, err
	}
	got := make([]byte, size)
	n := 0
	for n < size {
		k, err := f.ReadAt(got[n:min(size, n+mib)], int64(n))
		if n += k; err != nil {
			return got[:n], err
		}
	}
	return got, nil
}

// mib is how much a program asks for at once.
const mib = 1 << 20

// TestCutOffWhileOpen: where another program cuts files of the cache off, while a clip of many parts is open and read from them, reads give the bytes of the
// clip, which come from the archive again, or fail. They never give zeros.
func TestCutOffWhileOpen(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e, "--passthrough", "off")
	f, err := os.Open(m.Join("testcard", longAgo(), "10m.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	want, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	again := func(when string) (fails bool) {
		got, err := forgotten(f, len(want))
		if !bytes.Equal(got, want[:len(got)]) || err == nil && len(got) != len(want) {
			t.Errorf("%s: other bytes, %v", when, err)
		}
		return err != nil
	}
	if again("nothing is cut off") {
		t.Error("a read failed with nothing cut off")
	}
	cut := func(to func(size int64) int64) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(m.Cache, "data2", "*.data"))
		if err != nil || len(files) < 2 {
			t.Fatalf("%d files, %v", len(files), err)
		}
		for _, file := range files {
			info, err := os.Stat(file)
			if err != nil {
				continue // it was fetched again meanwhile
			}
			_ = os.Truncate(file, to(info.Size())) // the same
		}
	}
	cut(func(size int64) int64 { return size/2 + 77 })
	again("while files are cut off")
	if again("after files were cut off") && again("once more") {
		t.Error("nothing was fetched again")
	}
	var done atomic.Bool
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for !done.Load() {
			again("in turn with cuts")
		}
	}()
	for range 10 {
		cut(func(int64) int64 { return 0 })
	}
	done.Store(true)
	<-ended
	if again("after cuts") && again("after cuts, once more") {
		t.Error("nothing was fetched again after cuts")
	}
}
