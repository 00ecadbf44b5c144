//go:build e2e

package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

const (
	// stalledReaders is far more than the 12 that the kernel lets wait in the background unless told.
	stalledReaders = 100
	// pieces is how much is copied at a time.
	pieces = 64 << 10
	// promptly is how soon a copy has to be there that nothing delays: some milliseconds, and room for a machine that is busy. A
	// delayed one takes until the stall ends, which the test never lets happen before.
	promptly = 20 * time.Second
)

// TestStalledReadersDoNotDelayOthers: while a hundred readers copy a file by sendfile whose download stands still, the
// kernel reads other files as ever, one that is on disk and one that has to be fetched. When the download goes on, so do
// the hundred.
func TestStalledReadersDoNotDelayOthers(t *testing.T) {
	e := harness.StartEmulator(t, "--stream", "slow=testcard", "--stream", "door=testcard", "--quota", "off")
	m := harness.StartMount(t, e, "--read-timeout", "5m")
	at := nameOf(time.Now().UTC().Add(-2 * time.Hour).Truncate(time.Minute))
	cached, cold := m.Join("door", at, "5m.mp4"), m.Join("door", at, "4m.mp4")
	want, err := os.ReadFile(cached)
	if err != nil {
		t.Fatal(err)
	}
	fault := e.Fault(t, "kind=stall,api=GetClip,stream=slow,at=50%")
	slow := m.Join("slow", at, "5m.mp4")
	var copied, ended atomic.Int64
	type result struct {
		sum [sha256.Size]byte
		err error
	}
	results := make(chan result, stalledReaders)
	for range stalledReaders {
		go func() {
			var r result
			r.sum, r.err = copyInPieces(slow, &copied)
			ended.Add(1)
			results <- r
		}()
	}
	standStill(t, &copied, stalledReaders*pieces)
	for _, path := range []string{cached, cold} {
		begun := time.Now()
		sum, err := copyInPieces(path, new(atomic.Int64))
		if took := time.Since(begun); err != nil || took > promptly {
			t.Errorf("%s: copied in %s, %v", path, took, err)
		}
		if path == cached && sum != sha256.Sum256(want) {
			t.Errorf("%s: other bytes than before", path)
		}
	}
	if n := ended.Load(); n != 0 {
		t.Fatalf("%d readers did not wait any more, one with %v: nothing is shown", n, (<-results).err)
	}
	fault.Remove(t)
	got := make(map[[sha256.Size]byte]bool)
	for range stalledReaders {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
		}
		got[r.sum] = true
	}
	all, err := os.ReadFile(slow)
	if err != nil || len(got) != 1 || !got[sha256.Sum256(all)] {
		t.Errorf("the readers got %d different files, or another one than is there: %v", len(got), err)
	}
}

// standStill waits until the readers have got so many bytes together and nothing more comes.
func standStill(t *testing.T, copied *atomic.Int64, least int64) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for last, still := int64(0), 0; still < 10; time.Sleep(50 * time.Millisecond) {
		now := copied.Load()
		if still++; now != last || now < least {
			last, still = now, 0
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes were copied, want %d and then no more", now, least)
		}
	}
}

// copyInPieces copies a file by sendfile, which the kernel has forgotten, adds up what was copied, and gives its sum.
func copyInPieces(path string, copied *atomic.Int64) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	in := int(f.Fd())
	if err := unix.Fadvise(in, 0, 0, unix.FADV_DONTNEED); err != nil {
		return sum, err
	}
	fd, err := unix.MemfdCreate("copy", unix.MFD_CLOEXEC)
	if err != nil {
		return sum, err
	}
	out := os.NewFile(uintptr(fd), "copy")
	defer func() { err = errors.Join(err, out.Close()) }()
	for {
		n, err := unix.Sendfile(fd, in, nil, pieces)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return sum, fmt.Errorf("%s: %w", path, err)
		}
		if n == 0 {
			break
		}
		copied.Add(int64(n))
	}
	info, err := f.Stat()
	if err != nil {
		return sum, err
	}
	var all bytes.Buffer
	if _, err := io.Copy(&all, io.NewSectionReader(out, 0, info.Size()+1)); err != nil {
		return sum, err
	}
	if int64(all.Len()) != info.Size() {
		return sum, fmt.Errorf("%s: %d bytes copied of %d", path, all.Len(), info.Size())
	}
	return sha256.Sum256(all.Bytes()), nil
}
