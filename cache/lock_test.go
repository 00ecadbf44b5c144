package cache_test

import (
	"testing"
	"time"

	"clipfs/cache"
)

// TestReadsTakeNoLock: bytes that are there are read while somebody holds the lock of the index, from an entry that was
// filled just now, from one that is growing, from one in memory and from one that was found on disk and is yet to be checked.
func TestReadsTakeNoLock(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	want := payload(1, 300_000)
	put(t, c, "found", want)
	c = reopen(t, c, dir, cache.Options{})
	put(t, c, "filled", want)
	small := open(t, t.TempDir(), cache.Options{MaxBytes: 4096, MemoryBytes: 1 << 20})
	growing := newStepper()
	for name, e := range map[string]*cache.Entry{
		"found":   acquire(t, c, "found", noFill(t)),
		"filled":  acquire(t, c, "filled", noFill(t)),
		"growing": acquire(t, c, "growing", growing.fill),
		"memory":  acquire(t, small, "memory", fillWith(want, 300_000)),
	} {
		of := c
		switch name {
		case "growing":
			if err := growing.append(want); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { growing.end(errDone) })
		case "memory":
			of = small
			<-e.Done()
		}
		t.Cleanup(e.Release)
		cache.Locked(of, func() {
			read := make(chan struct{})
			go func() {
				defer close(read)
				p := make([]byte, 100_000)
				for _, at := range []int64{0, 150_000, 200_000} {
					if n, err := e.ReadAt(t.Context(), p, at); err != nil || string(p[:n]) != string(want[at:at+100_000]) {
						t.Errorf("%s at %d: %d bytes, %v", name, at, n, err)
					}
				}
			}()
			select {
			case <-read:
			case <-time.After(20 * time.Second):
				t.Errorf("%s: a read waits for the lock of the index", name)
			}
		})
	}
}
