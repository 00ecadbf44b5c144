package cache_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"clipfs/cache"
)

// childVariable has the test binary fill the cache in a directory until it is killed.
const childVariable = "CACHE_TEST_FILL"

// fillForEver fills entries, eight at a time, and writes a line for each that is whole. It only returns on an error.
func fillForEver(dir string) error {
	c, err := cache.Open(dir, cache.Options{MaxBytes: 20 * mib, MemoryBytes: mib})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for worker := range 8 {
		go func() {
			rng := newRand(worker + os.Getpid())
			for {
				i := rng.IntN(40)
				e, err := c.Acquire(keyOf(i), cache.Request{Fill: fillWith(killPayload(i), 1+rng.IntN(200_000)), Expect: rng.Int64N(mib), Apart: i%2 == 0})
				if err != nil {
					failed <- err
					return
				}
				<-e.Done()
				if e.Complete() {
					fmt.Println(i)
				}
				e.Release()
			}
		}()
	}
	return <-failed
}

// killPayload gives what the i-th entry has.
func killPayload(i int) []byte { return payload(i, i*i*700) }

func TestKilledAtAnyMoment(t *testing.T) {
	dir := t.TempDir()
	rng := newRand(1)
	for range 12 {
		killAfter(t, dir, 1+rng.IntN(60))
		if err := cache.Verify(t.Context(), dir, func(i cache.Info) {
			if i.Err != nil {
				t.Errorf("%s: %v", i.Key, i.Err)
			}
		}); err != nil {
			t.Fatal(err)
		}
		c := open(t, dir, cache.Options{MaxBytes: 20 * mib})
		found := 0
		for i := range 40 {
			if c.Has(keyOf(i)) {
				found++
				e := acquire(t, c, keyOf(i), noFill(t))
				mustHave(t, e, killPayload(i))
				e.Release()
			}
		}
		cache.Settle(c)
		wantPairs(t, dir)
		if got, want := diskBytes(t, dir), c.Stats().Bytes; got != want || len(dataFiles(t, dir)) != found || found == 0 {
			t.Errorf("%d bytes in %d files, %d bytes counted in %d entries", got, len(dataFiles(t, dir)), want, found)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter runs a process that fills a cache and kills it after so many entries.
func killAfter(t *testing.T, dir string, entries int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range entries {
		if !lines.Scan() {
			t.Error("the process that fills has ended")
			break
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // what it had written
	}
	var exit *exec.ExitError
	if err := child.Wait(); !errors.As(err, &exit) {
		t.Errorf("got %v, want it killed", err)
	}
}

// makeMany makes the files of n entries of one byte, as a cache would, and some sizes.
func makeMany(t testing.TB, dir string, n int) {
	t.Helper()
	c := open(t, dir, cache.Options{})
	for i := range n {
		c.NoteSize(keyOf(i), 1)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	tail := cache.Footer([]byte{1}, cache.About{Stream: "s"}, time.Time{})
	for i := range n {
		name := filepath.Join(dir, "data2", fmt.Sprintf("%s.1.%d", keyOf(i), i))
		if err := os.WriteFile(name, append([]byte{1}, tail...), 0o600); err != nil {
			t.Fatal(err)
		}
		if when := time.Unix(1_600_000_000+int64(i), 0); os.Chtimes(name, when, when) != nil {
			t.Fatal("times of a file cannot be set")
		}
	}
}

func TestTenThousandEntries(t *testing.T) {
	const n = 10_000
	dir := t.TempDir()
	makeMany(t, dir, n)
	// A budget of all but ten, so that the start evicts, while entries are used and made.
	c := open(t, dir, cache.Options{MaxBytes: (n - 10) * block})
	for i := range 20 {
		e := acquire(t, c, keyOf(i*17), noFill(t)) // there at once, whether it was looked at or not
		mustHave(t, e, []byte{1})
		e.Release()
	}
	for i := range 100 {
		put(t, c, cache.Key(fmt.Sprintf("new%d", i)), payload(i, fit(1)))
	}
	cache.Settle(c)
	st := c.Stats()
	if st.Bytes != (n-10)*block || st.Whole != n-10 || diskBytes(t, dir) != st.Bytes {
		t.Errorf("%+v, %d bytes on disk; want %d entries", st, diskBytes(t, dir), n-10)
	}
	for i := range n { // those used least recently have gone: the first 110, of which those used since are not
		used := i%17 == 0 && i < 20*17
		if got, want := c.Has(keyOf(i)), used || i >= 110+7; got != want {
			t.Fatalf("%s: got %t, want %t", keyOf(i), got, want)
		}
	}
}
