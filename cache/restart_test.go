package cache_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/cache"
)

// reopen closes a cache and opens its directory again.
func reopen(t *testing.T, c *cache.Cache, dir string, o cache.Options) *cache.Cache {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, dir, o)
}

func TestRestartFindsEntriesInOrderOfUse(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	for i := range 6 {
		put(t, c, keyOf(i), payload(i, fit(1)))
	}
	for _, i := range []int{2, 0} { // used again, 0 last
		acquire(t, c, keyOf(i), noFill(t)).Release()
	}
	c = reopen(t, c, dir, cache.Options{MaxBytes: 6 * 4096})
	for i := range 6 {
		if !c.Has(keyOf(i)) {
			t.Errorf("%s not found again", keyOf(i))
		}
	}
	// One new entry after the other pushes one old one out.
	for n, i := range []int{1, 3, 4, 5, 2, 0} {
		if !c.Has(keyOf(i)) {
			t.Errorf("%s went too early", keyOf(i))
		}
		put(t, c, cache.Key(fmt.Sprintf("new%d", n)), payload(n, fit(1)))
		if c.Has(keyOf(i)) {
			t.Errorf("%s is still there", keyOf(i))
		}
	}
}

func TestRestartServesTheSameBytes(t *testing.T) { bothForms(t, testRestartServesTheSameBytes) }

func testRestartServesTheSameBytes(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	sizes := []int{0, 1, 4095, 4096, 4097, 300_000}
	for i, n := range sizes {
		put(t, c, keyOf(i), payload(i, n))
	}
	before := c.Stats()
	c = reopen(t, c, dir, cache.Options{})
	if after := c.Stats(); after.Bytes != before.Bytes || after.Whole != len(sizes) {
		t.Errorf("got %d entries, %d bytes; want %d, %d", after.Whole, after.Bytes, len(sizes), before.Bytes)
	}
	for i, n := range sizes {
		e := acquire(t, c, keyOf(i), noFill(t))
		if got, err := e.Size(t.Context()); got != int64(n) || err != nil || !e.Complete() {
			t.Errorf("%s: size %d, %v, complete %t; want %d", keyOf(i), got, err, e.Complete(), n)
		}
		mustHave(t, e, payload(i, n))
		e.Release()
	}
}

func TestRestartDropsLeftovers(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	put(t, c, "good", payload(1, 5000))
	put(t, c, "cut", payload(2, 5000))
	put(t, c, "grown", payload(3, 5000))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data2")
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	whole := func(text string) string { return text + string(cache.Footer([]byte(text), cache.About{}, time.Time{})) }
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Truncate(fileOf(t, dir, "cut"), cache.FileSize(5000)-1))
	must(os.Truncate(fileOf(t, dir, "grown"), cache.FileSize(5000)+1))
	write("growing.17.part", "half")
	write("twice.3.100", whole("old"))
	write("twice.3.200", whole("new"))
	write("twice.3.150", whole("mid"))
	write("README", "not ours")
	write("Bad_Key.3.100", "not ours either")
	must(os.Symlink(fileOf(t, dir, "good"), filepath.Join(data, "link.5000.100")))

	c = open(t, dir, cache.Options{})
	cache.Settle(c)
	names := dataFiles(t, dir)
	var want []string
	for _, key := range []cache.Key{"good", "twice"} {
		want = append(want, filepath.Base(fileOf(t, dir, key)))
	}
	want = append(want, "README", "Bad_Key.3.100")
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("got files %v, want %v", names, want)
	}
	e := acquire(t, c, "twice", noFill(t))
	mustHave(t, e, []byte("new"))
	e.Release()
	if got, want := c.Stats().Bytes, int64(8192+4096); got != want {
		t.Errorf("got %d bytes, want %d", got, want)
	}
}

func TestRestartKeepsASmallerBudget(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	for i := range 10 {
		put(t, c, keyOf(i), payload(i, fit(1)))
	}
	c = reopen(t, c, dir, cache.Options{MaxBytes: 3 * 4096})
	cache.Settle(c)
	if got := len(dataFiles(t, dir)); got != 3 {
		t.Errorf("got %d files, want 3", got)
	}
	for i := range 10 {
		if got, want := c.Has(keyOf(i)), i >= 7; got != want {
			t.Errorf("%s: got %t, want %t", keyOf(i), got, want)
		}
	}
}

func TestDirectoryIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "cache")
	c := open(t, dir, cache.Options{})
	put(t, c, "k", []byte("x"))
	c.NoteSize("k", 1)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: mode %o, want %o", path, got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOneCacheADirectory(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, cache.Options{})
	_, err := cache.Open(dir, cache.Options{})
	check(t, "second open", err, cache.ErrLocked)
	want := fmt.Sprintf("cache directory %s: in use by another process (pid %d)", dir, os.Getpid())
	if err == nil || err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	until := time.Now().Add(time.Minute)
	if err := c.Leave(until); err != nil {
		t.Fatal(err)
	}
	_, err = cache.Open(dir, cache.Options{})
	var locked *cache.LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() || !locked.Until.Equal(until) {
		t.Errorf("open of a directory that its holder will leave: %v, want its pid and when", err)
	}
	put(t, c, "k", []byte("x")) // the first goes on
	c = reopen(t, c, dir, cache.Options{})
	if !c.Has("k") {
		t.Error("entry not found by the next one")
	}
}

func TestOpenWhereNothingCanBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := cache.Open(file, cache.Options{}); err == nil {
		t.Error("opened a file as a directory")
		_ = c.Close() // the test has failed
	}
}

func TestKeys(t *testing.T) {
	long := strings.Repeat("k", 128)
	tests := []struct {
		key  cache.Key
		want bool
	}{
		{"a", true}, {"0", true}, {"a-b-0", true}, {cache.Key(long), true},
		{"", false}, {"-a", false}, {"A", false}, {"a.b", false}, {"a/b", false}, {"..", false}, {"ä", false},
		{"a\n", false}, {"a b", false}, {cache.Key(long + "k"), false},
	}
	c := open(t, t.TempDir(), cache.Options{})
	for _, test := range tests {
		if got := test.key.Valid(); got != test.want {
			t.Errorf("%q: got %t, want %t", test.key, got, test.want)
		}
		e, err := c.Acquire(test.key, cache.Request{Fill: fillWith([]byte("x"), 1)})
		if got := err == nil; got != test.want {
			t.Errorf("acquire %q: got %v", test.key, err)
		}
		if err == nil {
			mustHave(t, e, []byte("x"))
			e.Release()
		} else {
			check(t, "acquire", err, cache.ErrKey)
		}
	}
}
