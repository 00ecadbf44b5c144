package store_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/store"
)

// open opens a store that is closed with the test, or before by close.
func open(t *testing.T, dir string) (s *store.Store, closed func()) {
	t.Helper()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	closed = sync.OnceFunc(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(closed)
	return s, closed
}

// create makes a stream.
func create(t *testing.T, s *store.Store, name string) *store.Stream {
	t.Helper()
	st, err := s.Create(name, start(), []byte(name))
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// only gives the one stream of a store.
func only(t *testing.T, s *store.Store) *store.Stream {
	t.Helper()
	all := s.Streams()
	if len(all) != 1 {
		t.Fatalf("%d streams", len(all))
	}
	return all[0]
}

func start() time.Time { return time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC) }

// add puts in a fragment and gives its number.
func add(t *testing.T, st *store.Stream, producer, now time.Time) string {
	t.Helper()
	number, server, err := st.Reserve(now)
	if err != nil {
		t.Fatal(err)
	}
	if err := receive(st, number, producer, server, "media of "+number); err != nil {
		t.Fatal(err)
	}
	return number
}

// receive puts in a fragment with a number, of 2 seconds.
func receive(st *store.Stream, number string, producer, server time.Time, media string) error {
	in, err := st.Receive()
	if err != nil {
		return err
	}
	defer in.Drop()
	if _, err := in.Write([]byte(media)); err != nil {
		return err
	}
	return st.Add(number, producer, server, 2*time.Second, in)
}

// files gives the names of the fragments' files in a directory.
func files(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "streams", "*", "*.mkv"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// numbers gives the fragments of a range.
func numbers(st *store.Stream, sel footage.Selector, from, to time.Time) []string {
	var n []string
	for _, f := range st.Fragments(sel, from, to) {
		n = append(n, f.Number)
	}
	return n
}

// The index gives what a plain search in all fragments gives, also after a restart.
func TestFragments(t *testing.T) {
	type fragment struct {
		number           string
		producer, server time.Time
	}
	for _, dir := range []string{"", t.TempDir()} {
		s, closed := open(t, dir)
		st := create(t, s, "a")
		random := rand.New(rand.NewPCG(1, 2))
		var all []fragment
		for i := range 100 {
			f := fragment{producer: start().Add(time.Duration(random.IntN(50)) * time.Second), server: start().Add(time.Duration(i/3) * time.Second)}
			f.number = add(t, st, f.producer, f.server.Add(time.Microsecond))
			all = append(all, f)
		}
		check := func(st *store.Stream) {
			for range 200 {
				from := start().Add(time.Duration(random.IntN(60000)-5000) * time.Millisecond)
				to := from.Add(time.Duration(random.IntN(20)) * time.Second)
				for _, sel := range []footage.Selector{footage.ByProducer, footage.ByServer} {
					var in []fragment
					at := func(f fragment) time.Time {
						if sel == footage.ByServer {
							return f.server
						}
						return f.producer
					}
					for _, f := range all {
						if !at(f).Before(from) && !at(f).After(to) {
							in = append(in, f)
						}
					}
					slices.SortStableFunc(in, func(a, b fragment) int { return at(a).Compare(at(b)) })
					var want []string
					for _, f := range in {
						want = append(want, f.number)
					}
					if got := numbers(st, sel, from, to); !slices.Equal(got, want) {
						t.Fatalf("%v from %s to %s: %v, want %v", sel, from, to, got, want)
					}
				}
			}
		}
		check(st)
		if dir == "" {
			continue
		}
		closed()
		again, _ := open(t, dir)
		check(only(t, again))
	}
}

// Numbers increase where the clock goes back, and after a restart.
func TestNumbersIncrease(t *testing.T) {
	dir := t.TempDir()
	s, closed := open(t, dir)
	st := create(t, s, "a")
	var got []string
	for _, d := range []time.Duration{0, 0, time.Second, -time.Hour, 2 * time.Second} {
		got = append(got, add(t, st, start(), start().Add(d)))
	}
	closed()
	s, _ = open(t, dir)
	got = append(got, add(t, only(t, s), start(), start().Add(-24*time.Hour)))
	if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Errorf("numbers %v", got)
	}
	for _, n := range got {
		if len(n) != 47 || !strings.HasSuffix(n, "999") {
			t.Errorf("number %s", n)
		}
	}
}

// What a crash leaves behind is no fragment, and is removed or left alone.
func TestTornFiles(t *testing.T) {
	dir := t.TempDir()
	s, closed := open(t, dir)
	st := create(t, s, "a")
	var want []string
	for i := range 4 {
		want = append(want, add(t, st, start().Add(time.Duration(i)*time.Second), start()))
	}
	closed()
	names := files(t, dir)
	home := filepath.Dir(names[0])
	if err := os.Truncate(names[3], 5); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"~part-123", "note.txt", "1-2-3.mkv", "a-b-c-d-e.mkv", strings.Repeat("9", 47) + "-1-1-1-9.mkv"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"~removed-b", "empty"} {
		if err := os.MkdirAll(filepath.Join(dir, "streams", name, "x"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s, _ = open(t, dir)
	st = only(t, s)
	if got := numbers(st, footage.ByProducer, start(), start().Add(time.Hour)); !slices.Equal(got, want[:3]) {
		t.Errorf("%v, want %v", got, want[:3])
	}
	for name, there := range map[string]bool{filepath.Join(home, "~part-123"): false, filepath.Join(home, "note.txt"): true,
		filepath.Join(dir, "streams", "~removed-b"): false} {
		if _, err := os.Stat(name); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
	if next := add(t, st, start(), start()); next <= want[2] {
		t.Errorf("number %s after %s", next, want[2])
	}
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, _ := open(t, dir)
	add(t, create(t, s, "a"), start(), start())
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		want := os.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if err == nil && info.Mode().Perm() != want {
			t.Errorf("%s: mode %o", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestExpire(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		s, _ := open(t, dir)
		st := create(t, s, "a")
		for i := range 10 {
			// The latest taken in has the oldest producer time.
			add(t, st, start().Add(-time.Duration(i)*time.Hour), start().Add(time.Duration(i)*time.Minute))
		}
		if err := st.Expire(start().Add(3 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		if n, m := st.Len(), len(st.Fragments(footage.ByProducer, start().Add(-24*time.Hour), start())); n != 7 || m != 7 {
			t.Errorf("%d and %d fragments left, want 7", n, m)
		}
		if n := len(files(t, dir)); dir != "" && n != 7 {
			t.Errorf("%d files left, want 7", n)
		}
	}
}

func TestRemove(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		s, _ := open(t, dir)
		st := create(t, s, "a")
		add(t, st, start(), start())
		number, server, err := st.Reserve(start())
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Remove(); err != nil {
			t.Fatal(err)
		}
		if err := receive(st, number, start(), server, "x"); !errors.Is(err, store.ErrRemoved) {
			t.Errorf("add: %v", err)
		}
		if err := st.Save(nil); !errors.Is(err, store.ErrRemoved) {
			t.Errorf("save: %v", err)
		}
		if _, _, err := st.Reserve(start()); !errors.Is(err, store.ErrRemoved) {
			t.Errorf("reserve: %v", err)
		}
		if n := len(s.Streams()); n != 0 || len(files(t, dir)) != 0 {
			t.Errorf("%d streams left", n)
		}
		// Another of the same name and time is no part of it.
		if n := create(t, s, "a").Len(); n != 0 {
			t.Errorf("%d fragments in a new stream", n)
		}
	}
}

// Fragments come while others are listed, loaded and expired.
func TestConcurrently(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		s, _ := open(t, dir)
		st := create(t, s, "a")
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i := range 20 {
					number, server, err := st.Reserve(start().Add(time.Duration(i) * time.Second))
					if err == nil {
						err = receive(st, number, start(), server, "x")
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Go(func() {
			for i := range 20 {
				for _, f := range st.Fragments(footage.ByServer, start(), start().Add(time.Hour)) {
					if _, err := f.Load(); err == nil {
						t.Error("loaded what is no media")
					}
				}
				if err := st.Expire(start().Add(time.Duration(i/2) * time.Second)); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Wait()
		if err := st.Expire(start().Add(9 * time.Second)); err != nil {
			t.Error(err)
		}
		if n := st.Len(); n != 44 {
			t.Errorf("%d fragments left, want 44", n)
		}
		if n := len(files(t, dir)); dir != "" && n != 44 {
			t.Errorf("%d files left, want 44", n)
		}
	}
}

func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	_, closed := open(t, dir)
	if _, err := store.Open(dir, store.Options{}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
	closed()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(file, store.Options{}); err == nil {
		t.Error("opened a file")
	}
	open(t, dir)
}
