package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clipfs/cache"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		fmt.Fprintln(os.Stderr, fillForEver(dir))
		os.Exit(1)
	}
	// Where there is room files are made in memory, as to make one on a disk costs many times what is tested. A TMPDIR counts before that.
	var st unix.Statfs_t
	if os.Getenv("TMPDIR") == "" && unix.Statfs("/dev/shm", &st) == nil && st.Type == unix.TMPFS_MAGIC && int64(st.Bavail)*st.Bsize > 4<<30 {
		_ = os.Setenv("TMPDIR", "/dev/shm")
	}
	goleak.VerifyTestMain(m)
}

// errFill is what failing fills return.
var errFill = errors.New("connection cut")

// apart has the requests of the tests ask for pairs.
var apart bool //nolint:gochecknoglobals // set by bothForms, whose tests do not run in parallel

// bothForms runs a test with either form of entries.
func bothForms(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	for _, form := range []string{"single", "pair"} {
		t.Run(form, func(t *testing.T) {
			apart = form == "pair"
			defer func() { apart = false }()
			test(t)
		})
	}
}

// open opens a cache that is closed when the test ends.
func open(t testing.TB, dir string, o cache.Options) *cache.Cache {
	t.Helper()
	c, err := cache.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

// payload gives n bytes that tell their place: those of one seed differ from those of another.
func payload(seed, n int) []byte {
	p := make([]byte, n)
	src := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)})
	_, _ = src.Read(p) // never fails
	return p
}

// fillWith gives a fill that writes p, step bytes at a time.
func fillWith(p []byte, step int) cache.Fill {
	return func(_ context.Context, w *cache.Writer) error {
		for len(p) > 0 {
			n := min(step, len(p))
			if err := w.Append(p[:n]); err != nil {
				return err
			}
			p = p[n:]
		}
		return nil
	}
}

// noFill fails the test when it is called.
func noFill(t testing.TB) cache.Fill {
	return func(context.Context, *cache.Writer) error {
		t.Error("fill called for an entry that should be there")
		return errFill
	}
}

// stepper is a fill that does what it is told, step by step.
type stepper struct {
	steps chan func(ctx context.Context, w *cache.Writer) error
	did   chan error
}

// newStepper gives a stepper that waits for its first step.
func newStepper() *stepper {
	return &stepper{steps: make(chan func(context.Context, *cache.Writer) error), did: make(chan error)}
}

// errDone ends a stepper's fill well.
var errDone = errors.New("done")

// fill is the cache.Fill.
func (s *stepper) fill(ctx context.Context, w *cache.Writer) error {
	for {
		select {
		case step := <-s.steps:
			err := step(ctx, w)
			if errors.Is(err, errDone) {
				return nil
			}
			if errors.Is(err, errFill) {
				return err
			}
			s.did <- err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// append has the fill append p and gives the result.
func (s *stepper) append(p []byte) error {
	s.steps <- func(_ context.Context, w *cache.Writer) error { return w.Append(p) }
	return <-s.did
}

// announce has the fill announce a size and gives the result.
func (s *stepper) announce(n int64) error {
	s.steps <- func(_ context.Context, w *cache.Writer) error { return w.Announce(n) }
	return <-s.did
}

// end has the fill return err, or nil for errDone.
func (s *stepper) end(err error) {
	s.steps <- func(context.Context, *cache.Writer) error { return err }
}

// acquire acquires an entry and fails the test if that fails.
func acquire(t testing.TB, c *cache.Cache, key cache.Key, fill cache.Fill) *cache.Entry {
	t.Helper()
	e, err := c.Acquire(key, cache.Request{Fill: fill, Apart: apart})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// readAll reads an entry to its end.
func readAll(ctx context.Context, e *cache.Entry) ([]byte, error) {
	var all []byte
	p := make([]byte, 32<<10)
	for {
		n, err := e.ReadAt(ctx, p, int64(len(all)))
		all = append(all, p[:n]...)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

// put fills an entry with p, waits until that has ended and releases it.
func put(t testing.TB, c *cache.Cache, key cache.Key, p []byte) {
	t.Helper()
	e := acquire(t, c, key, fillWith(p, 64<<10))
	defer e.Release()
	mustHave(t, e, p)
}

// mustHave fails the test unless the entry has just the bytes p.
func mustHave(t testing.TB, e *cache.Entry, p []byte) {
	t.Helper()
	got, err := readAll(t.Context(), e)
	if err != nil || !bytes.Equal(got, p) {
		t.Fatalf("read %d bytes, %v; want %d bytes, equal %t", len(got), err, len(p), bytes.Equal(got, p))
	}
}

// check fails the test unless err is want.
func check(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

// allFiles gives the names in the cache's data directory.
func allFiles(t testing.TB, dir string) []string {
	t.Helper()
	files, err := os.ReadDir(filepath.Join(dir, "data2"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

// dataFiles gives those that have the bytes of entries.
func dataFiles(t testing.TB, dir string) []string {
	t.Helper()
	return slices.DeleteFunc(allFiles(t, dir), func(name string) bool { return strings.HasSuffix(name, ".checks") })
}

// wantPairs fails the test unless the data and the checksums of each pair are there.
func wantPairs(t testing.TB, dir string) {
	t.Helper()
	halves := make(map[string]int)
	for _, name := range allFiles(t, dir) {
		if whole, ok := strings.CutSuffix(name, ".data"); ok {
			halves[whole]++
		} else if whole, ok := strings.CutSuffix(name, ".checks"); ok {
			halves[whole] += 2
		}
	}
	for name, n := range halves {
		if n != 3 {
			t.Errorf("%s: a half of a pair (%d)", name, n)
		}
	}
}

// fileOf gives the path of the one file of a key that has its bytes.
func fileOf(t testing.TB, dir string, key cache.Key) string {
	t.Helper()
	var found []string
	for _, name := range dataFiles(t, dir) {
		if strings.HasPrefix(name, string(key)+".") {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		t.Fatalf("files of %s: %v, want one", key, found)
	}
	return filepath.Join(dir, "data2", found[0])
}

// footerFile gives the path of the one that has its checksums, and where they begin.
func footerFile(t testing.TB, dir string, key cache.Key, size int64) (path string, at int64) {
	t.Helper()
	path = fileOf(t, dir, key)
	if whole, ok := strings.CutSuffix(path, ".data"); ok {
		return whole + ".checks", 0
	}
	return path, size
}

// newRand gives random numbers that are the same each time.
func newRand(seed int) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), 7)) }

// keyOf gives the i-th key.
func keyOf(i int) cache.Key { return cache.Key(fmt.Sprintf("k%d", i)) }
