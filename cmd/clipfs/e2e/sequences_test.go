//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/kvs"
	"clipfs/cmd/internal/harness"
)

const (
	// sequencesTake is how long random sequences are tried, as the live edge moves on every two seconds, and sequencesTakeMost
	// how long on a machine on which a worker did not come to see that.
	sequencesTake, sequencesTakeMost = 10 * time.Second, 90 * time.Second
	// sequenceWorkers do so at the same time, each with up to so many files and mappings at once.
	sequenceWorkers, mostOpen, mostMapped = 3, 6, 6
	sequenceSeed                          = 5
	// testcardFragment is how long the test card's fragments are.
	testcardFragment = 2 * time.Second
)

// TestRandomSequences: whatever the order in which versions of clips are opened, mapped, read and closed, while the live
// edge moves on and clips become complete, nobody gets an error, and everybody the bytes of the version he opened. What those
// are is read directly: through the library, with a cache of its own, without any kernel in between.
func TestRandomSequences(t *testing.T) {
	e := harness.StartEmulator(t, "--stream", "door=testcard", "--quota", "off")
	m := harness.StartMount(t, e, "--metadata-ttl", "2s")
	now := time.Now().UTC()
	ago := func(d time.Duration) string { return nameOf(now.Add(-d).Truncate(time.Minute)) }
	paths := []string{
		m.Join("door", ago(2*time.Minute), "15m.mp4"),  // one part that grows
		m.Join("door", ago(9*time.Minute), "30m.mp4"),  // many parts, of which the last grows
		m.Join("door", ago(9*time.Minute), "25m.mp4"),  // the same, at another path
		m.Join("door", ago(40*time.Minute), "2m.mp4"),  // one part
		m.Join("door", ago(40*time.Minute), "10m.mp4"), // many parts
	}
	direct := newDirect(t, e)
	var workers sync.WaitGroup
	seen := make([]map[string]map[int]bool, sequenceWorkers)
	for i := range sequenceWorkers {
		s := &sequence{
			direct: direct, paths: paths, versions: make(map[string]map[int]bool),
			rng: rand.New(rand.NewPCG(sequenceSeed, uint64(i))),
		}
		seen[i] = s.versions
		workers.Go(func() {
			if err := s.run(t.Context()); err != nil {
				t.Errorf("seed %d, worker %d: %v", sequenceSeed, i, err)
			}
		})
	}
	workers.Wait()
	for i, versions := range seen {
		for _, path := range paths[:2] {
			if n := len(versions[path]); n < 2 {
				t.Errorf("worker %d saw %d versions of %s: it did not grow, or was not opened", i, n, path)
			}
		}
	}
}

// direct gives the bytes of versions of clips. Each is read through a library of its own, which knows no listing yet.
type direct struct {
	service *kvs.Archive
	cache   *cache.Cache

	mu    sync.Mutex
	known map[string][]byte
}

// newDirect gives one for an emulator.
func newDirect(t *testing.T, e *harness.Emulator) *direct {
	t.Helper()
	cfg, err := kvs.EmulatorConfig(e.Endpoint, kvs.EmulatorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	service, err := kvs.New(cfg, kvs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(kept.Close(), service.Close()); err != nil {
			t.Error(err)
		}
	})
	return &direct{service: service, cache: kept, known: make(map[string][]byte)}
}

// version gives the bytes of so many fragments from a time on.
func (d *direct) version(ctx context.Context, first time.Time, fragments int) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := fmt.Sprint(first, fragments)
	if known, ok := d.known[name]; ok {
		return known, nil
	}
	length := time.Duration(fragments-1)*testcardFragment + testcardFragment/2
	c, err := clip.NewLibrary(d.service, d.cache, clip.Options{}).Clip(ctx, "door", archive.NewSpan(first, length))
	if err != nil {
		return nil, err
	}
	if c.Fragments() != fragments {
		return nil, fmt.Errorf("%d fragments from %s on, want %d", c.Fragments(), first, fragments)
	}
	h, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]byte, h.Size())
	if _, err = h.ReadAt(ctx, all, 0); errors.Is(err, io.EOF) {
		err = nil
	}
	d.known[name] = all
	return all, errors.Join(err, h.Close())
}

// sequence is a random sequence of one worker.
type sequence struct {
	direct *direct
	paths  []string
	rng    *rand.Rand

	files []opened
	maps  []mapped
	// versions are those that were seen of each path, by how many fragments they had.
	versions map[string]map[int]bool
}

// opened is an open version of a clip, and what is in it.
type opened struct {
	path string
	file *os.File
	want []byte
}

// mapped is a mapping of a version, from the beginning on.
type mapped struct {
	path        string
	bytes, want []byte
}

// run does one thing after the other, and closes everything in the end.
func (s *sequence) run(ctx context.Context) (err error) {
	defer func() {
		for len(s.files) > 0 {
			err = errors.Join(err, s.closeOne())
		}
		for len(s.maps) > 0 {
			err = errors.Join(err, s.unmapOne())
		}
	}()
	for begun := time.Now(); time.Since(begun) < sequencesTake || time.Since(begun) < sequencesTakeMost && !s.sawGrowth(); {
		if err := s.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// sawGrowth tells whether versions were opened of what grows.
func (s *sequence) sawGrowth() bool {
	return len(s.versions[s.paths[0]]) > 1 && len(s.versions[s.paths[1]]) > 1
}

// step does one thing.
func (s *sequence) step(ctx context.Context) error {
	switch n := s.rng.IntN(12); {
	case n < 2 || len(s.files) == 0:
		if len(s.files) == mostOpen {
			return s.closeOne()
		}
		return s.open(ctx)
	case n < 5:
		return s.read()
	case n < 7:
		if len(s.maps) == mostMapped {
			return s.unmapOne()
		}
		return s.mapOne()
	case n < 10 && len(s.maps) > 0:
		return s.look()
	case n == 10:
		return s.closeOne()
	case len(s.maps) > 0:
		return s.unmapOne()
	}
	return nil
}

// open opens the version that is there now.
func (s *sequence) open(ctx context.Context) error {
	path := s.paths[s.rng.IntN(len(s.paths))]
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	fragments, err := strconv.Atoi(attribute(f, "fragments"))
	if err != nil {
		return errors.Join(err, f.Close())
	}
	first, err := time.Parse(time.RFC3339Nano, attribute(f, "first"))
	if err != nil {
		return errors.Join(err, f.Close())
	}
	want, err := s.direct.version(ctx, first, fragments)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	s.files = append(s.files, opened{path, f, want})
	if s.versions[path] == nil {
		s.versions[path] = make(map[int]bool)
	}
	s.versions[path][fragments] = true
	info, err := f.Stat()
	if err == nil && info.Size() != int64(len(want)) {
		err = fmt.Errorf("%s: %d bytes by fstat, want %d", path, info.Size(), len(want))
	}
	return err
}

// attribute gives one of our extended attributes of an open file; "" if it has none.
func attribute(f *os.File, name string) string {
	value := make([]byte, 64)
	n, err := unix.Fgetxattr(int(f.Fd()), "user.clipfs."+name, value)
	if err != nil {
		return ""
	}
	return string(value[:n])
}

// read reads somewhere, up to behind the end.
func (s *sequence) read() error {
	o := s.files[s.rng.IntN(len(s.files))]
	at := s.rng.IntN(len(o.want) + 1)
	p := make([]byte, 1+s.rng.IntN(1<<s.rng.IntN(21)))
	n, err := o.file.ReadAt(p, int64(at))
	if errors.Is(err, io.EOF) && at+len(p) > len(o.want) {
		err = nil
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(p[:n], o.want[at:min(at+len(p), len(o.want))]) {
		return fmt.Errorf("%s: wrong bytes in a read of %d at %d", o.path, len(p), at)
	}
	return nil
}

// mapOne maps an open file, for as long as it may be open or longer.
func (s *sequence) mapOne() error {
	o := s.files[s.rng.IntN(len(s.files))]
	flags := unix.MAP_SHARED
	if s.rng.IntN(2) == 0 {
		flags = unix.MAP_PRIVATE
	}
	b, err := unix.Mmap(int(o.file.Fd()), 0, len(o.want), unix.PROT_READ, flags)
	if err != nil {
		return fmt.Errorf("%s: mmap: %w", o.path, err)
	}
	s.maps = append(s.maps, mapped{o.path, b, o.want})
	return nil
}

// look compares some of a mapping; what cannot be read there raises SIGBUS.
func (s *sequence) look() (err error) {
	m := s.maps[s.rng.IntN(len(s.maps))]
	from := s.rng.IntN(len(m.want))
	to := min(len(m.want), from+1+s.rng.IntN(1<<s.rng.IntN(21)))
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%s: mapping cannot be read from %d to %d: %v", m.path, from, to, fault)
		}
	}()
	if !bytes.Equal(m.bytes[from:to], m.want[from:to]) {
		return fmt.Errorf("%s: wrong bytes mapped from %d to %d", m.path, from, to)
	}
	return nil
}

// closeOne closes a file.
func (s *sequence) closeOne() error {
	i := s.rng.IntN(len(s.files))
	f := s.files[i].file
	s.files = append(s.files[:i], s.files[i+1:]...)
	return f.Close()
}

// unmapOne gives a mapping up.
func (s *sequence) unmapOne() error {
	i := s.rng.IntN(len(s.maps))
	b := s.maps[i].bytes
	s.maps = append(s.maps[:i], s.maps[i+1:]...)
	return unix.Munmap(b)
}
