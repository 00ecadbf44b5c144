package cache_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"clipfs/cache"
)

// wantSize fails the test unless the size of a key is n, or unknown for n < 0.
func wantSize(t *testing.T, s interface {
	Size(cache.Key) (int64, bool)
}, key cache.Key, n int64,
) {
	t.Helper()
	if got, ok := s.Size(key); ok != (n >= 0) || (ok && got != n) {
		t.Errorf("size of %s: got %d, %t; want %d", key, got, ok, n)
	}
}

// openSizes opens an index of sizes that is closed when the test ends.
func openSizes(t *testing.T, path string, limit int) *cache.Sizes {
	t.Helper()
	s, err := cache.OpenSizes(path, limit)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// closeSizes closes an index.
func closeSizes(t *testing.T, s *cache.Sizes) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSizesOutliveEvictionAndRestart(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{MaxBytes: block})
	for i := range 3 { // each pushes the one before out
		put(t, c, keyOf(i), payload(i, 100+i))
		c.NoteSize(keyOf(i), int64(100+i))
	}
	c.NoteSize("k1", 7777) // the last word counts
	c.NoteSize("Not A Key", 1)
	c.NoteSize("negative", -1)
	for range 2 {
		for key, want := range map[cache.Key]int64{"k0": 100, "k1": 7777, "k2": 102} {
			if got, ok := c.KnownSize(key); got != want || !ok {
				t.Errorf("%s: got %d, %t; want %d", key, got, ok, want)
			}
		}
		for _, key := range []cache.Key{"k3", "negative", "Not A Key", ""} {
			if got, ok := c.KnownSize(key); ok {
				t.Errorf("%q: got %d, want none", key, got)
			}
		}
		if got := c.Stats().Sizes; got != 3 {
			t.Errorf("got %d sizes, want 3", got)
		}
		c = reopen(t, c, dir, cache.Options{MaxBytes: block})
	}
}

func TestSizesAfterATornWrite(t *testing.T) {
	whole := cache.SizeLine("a", 1) + cache.SizeLine("b", 123456)
	last := cache.SizeLine("c", 987654321)
	for cut := range len(last) {
		path := filepath.Join(t.TempDir(), "sizes")
		if err := os.WriteFile(path, []byte(whole+last[:cut]), 0o600); err != nil {
			t.Fatal(err)
		}
		s := openSizes(t, path, 10)
		s.Note("d", 4) // must not be lost behind the torn line
		closeSizes(t, s)
		s = openSizes(t, path, 10)
		wantSize(t, s, "a", 1)
		wantSize(t, s, "b", 123456)
		want := int64(-1)
		if cut == len(last)-1 { // only the line feed was lost, which the next line has made good
			want = 987654321
		}
		wantSize(t, s, "c", want)
		wantSize(t, s, "d", 4)
		closeSizes(t, s)
	}
}

func TestSizesWithDamagedLines(t *testing.T) {
	good := cache.SizeLine("good", 42)
	tests := []struct{ name, line string }{
		{"other size", strings.Replace(good, " 42 ", " 43 ", 1)},
		{"other key", strings.Replace(good, "good", "bad", 1)},
		{"no checksum", "good 43\n"},
		{"upper case checksum", strings.ToUpper(cache.SizeLine("good", 1))},
		{"key that is none", cache.SizeLine("GOOD", 43)},
		{"leading zero", strings.Replace(good, " 42", " 042", 1)},
		{"negative", cache.SizeLine("good", -43)},
		{"zeros", strings.Repeat("\x00", 4096) + "\n"},
		{"longer than any buffer", strings.Repeat("x", 1<<17) + cache.SizeLine("good", 43)},
		{"long and just valid at its end", strings.Repeat("x", 1<<16) + cache.SizeLine("good", 43)},
		{"blank", "\n"},
		{"carriage return", strings.Replace(cache.SizeLine("good", 43), "\n", "\r\n", 1)},
	}
	for _, test := range tests {
		known, lines, torn, err := cache.ReadSizes(strings.NewReader(good + test.line + cache.SizeLine("next", 7)))
		want := map[cache.Key]int64{"good": 42, "next": 7}
		if !maps.Equal(known, want) || lines != 3 || torn || err != nil {
			t.Errorf("%s: got %v, %d lines, torn %t, %v; want %v, 3 lines", test.name, known, lines, torn, err, want)
		}
	}
}

func TestSizesAreBoundedAndCompacted(t *testing.T) {
	const limit = 50
	path := filepath.Join(t.TempDir(), "sizes")
	s := openSizes(t, path, limit)
	var most int64
	for n := range 5000 {
		s.Note(keyOf(n%(limit+10)), int64(n))
		wantSize(t, s, keyOf(n%(limit+10)), int64(n))
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, info.Size())
	}
	closeSizes(t, s)
	line := int64(len(cache.SizeLine("k59", 4999)))
	if bound := line * (2*limit + 1024 + 2); most > bound || most < bound/2 {
		t.Errorf("file grew to %d bytes; want at most %d, and at least half of that", most, bound)
	}
	s = openSizes(t, path, limit)
	for n := 4999; n >= 4940; n-- {
		want := int64(n)
		if n < 5000-limit {
			want = -1
		}
		wantSize(t, s, keyOf(n%(limit+10)), want)
	}
	closeSizes(t, s)
}

func TestSizesAfterACrashInCompaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sizes")
	for name, text := range map[string]string{path: cache.SizeLine("a", 1), path + ".new": cache.SizeLine("a", 2)[:5]} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := openSizes(t, path, 10)
	wantSize(t, s, "a", 1)
	closeSizes(t, s)
	if _, err := os.Stat(path + ".new"); !os.IsNotExist(err) {
		t.Errorf("leftover: got %v, want none", err)
	}
}

func TestSizesWhenCompactionFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sizes")
	s := openSizes(t, path, 10)
	if err := os.MkdirAll(filepath.Join(path+".new", "x"), 0o700); err != nil { // in the way of the new file
		t.Fatal(err)
	}
	for n := range 3000 {
		s.Note("a", int64(n))
	}
	s.Note("b", 1)
	closeSizes(t, s)
	if err := os.RemoveAll(path + ".new"); err != nil {
		t.Fatal(err)
	}
	s = openSizes(t, path, 10)
	wantSize(t, s, "a", 2999)
	wantSize(t, s, "b", 1)
	closeSizes(t, s)
}

func TestSizesNotedAtTheSameTime(t *testing.T) {
	const workers, each = 8, 500
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for n := range each {
				key := cache.Key(fmt.Sprintf("w%d-%d", w, n%100))
				c.NoteSize(key, int64(n))
				if got, ok := c.KnownSize(key); got != int64(n) || !ok {
					t.Errorf("%s: got %d, %t; want %d", key, got, ok, n)
				}
			}
		})
	}
	wg.Wait()
	c = reopen(t, c, dir, cache.Options{})
	for w := range workers {
		for n := range 100 {
			key := cache.Key(fmt.Sprintf("w%d-%d", w, n))
			if got, ok := c.KnownSize(key); got != int64(each-100+n) || !ok {
				t.Errorf("%s: got %d, %t; want %d", key, got, ok, each-100+n)
			}
		}
	}
}

func TestSizesAfterClose(t *testing.T) {
	c := open(t, t.TempDir(), cache.Options{})
	c.NoteSize("a", 1)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c.NoteSize("b", 2) // kept until the process ends
	for key, want := range map[cache.Key]int64{"a": 1, "b": 2} {
		if got, ok := c.KnownSize(key); got != want || !ok {
			t.Errorf("%s: got %d, %t; want %d", key, got, ok, want)
		}
	}
}

func FuzzReadSizes(f *testing.F) {
	f.Add("")
	f.Add(cache.SizeLine("a", 1) + cache.SizeLine("b-2", 1<<62))
	f.Add(cache.SizeLine("a", 1)[:4])
	f.Add("a 1 \n\n a\x00 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		known, _, torn, err := cache.ReadSizes(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for key, n := range known {
			if !key.Valid() || n < 0 || !strings.Contains(text, cache.SizeLine(key, n)) {
				t.Errorf("got %q, %d, which is not in the text", key, n)
			}
		}
		if want := text != "" && !strings.HasSuffix(text, "\n"); torn != want {
			t.Errorf("torn: got %t, want %t", torn, want)
		}
		// A line written after this, on a line of its own, is found whatever stands before it.
		again, _, _, err := cache.ReadSizes(strings.NewReader(text + "\n" + cache.SizeLine("added", 99)))
		if err != nil || again["added"] != 99 {
			t.Errorf("line after it: got %v, %v", again["added"], err)
		}
	})
}
