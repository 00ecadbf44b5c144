package main_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipfs/cache"
)

// fillCache puts an entry of media and one of a head, of 100,000 bytes each, in the cache directory of a mount.
func fillCache(t *testing.T, dir, stream string, used time.Time) {
	t.Helper()
	start := time.Date(2024, 1, 1, 10, 7, 0, 0, time.UTC)
	for kind, below := range map[string]string{"media": "", "head": "heads"} {
		c, err := cache.Open(filepath.Join(dir, below), cache.Options{})
		if err != nil {
			t.Fatal(err)
		}
		e, err := c.Acquire(cache.Key(stream), cache.Request{
			About: cache.About{Stream: stream, Kind: kind, Start: start, End: start.Add(time.Minute), Fragments: 30},
			Fill:  func(_ context.Context, w *cache.Writer) error { return w.Append(make([]byte, 100_000)) },
		})
		if err != nil {
			t.Fatal(err)
		}
		<-e.Done()
		e.Release()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		for _, path := range cachedFiles(t, dir, below, stream) {
			if err := os.Chtimes(path, used, used); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// cachedFiles gives the files of an entry.
func cachedFiles(t *testing.T, dir, below, key string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, below, "data2", key+".*"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestCacheCommands(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	fillCache(t, dir, "front-door", now)
	fillCache(t, dir, "yard", now.Add(-8*24*time.Hour))
	run := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		code, stdout, stderr := invoke(t, append([]string{"cache", args[0], "--cache-dir", dir}, args[1:]...)...)
		if code != want {
			t.Errorf("clipfs cache %q: exit code %d, want %d: %s%s", args, code, want, stdout, stderr)
		}
		return stdout, stderr
	}
	out, _ := run(0, "ls")
	lines := strings.Split(out, "\n")
	for _, word := range []string{"front-door", "2024-01-01T10:07:00.000Z", "1m0s", "30", "media", "head", "97.66KiB", "4 entries"} {
		if !strings.Contains(out, word) {
			t.Errorf("ls does not say %q:\n%s", word, out)
		}
	}
	if len(lines) != 7 || !strings.HasPrefix(lines[1], "yard ") || !strings.HasPrefix(lines[4], "front-door ") {
		t.Errorf("ls: want the least recently used first:\n%s", out)
	}
	var entries []map[string]any
	out, _ = run(0, "ls", "--json")
	if err := json.Unmarshal([]byte(out), &entries); err != nil || len(entries) != 4 || entries[0]["stream"] != "yard" || entries[0]["size"] != 100_000.0 {
		t.Errorf("ls --json: %v\n%s", err, out)
	}

	if out, _ = run(0, "verify"); !strings.Contains(out, "nothing is damaged") {
		t.Errorf("verify: %s", out)
	}
	path := cachedFiles(t, dir, "", "yard")[0]
	bytes, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bytes[70_000]++
	if err := os.WriteFile(path, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	out, stderr := run(1, "verify", "--json")
	wantLine(t, stderr, "clipfs cache verify: 1 of 4 entries")
	if err := json.Unmarshal([]byte(out), &entries); err != nil || len(entries) != 1 || entries[0]["stream"] != "yard" || entries[0]["error"] == "" {
		t.Errorf("verify --json: %v\n%s", err, out)
	}
	if out, _ = run(0, "verify", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("verify --json again: %s; want what was damaged removed", out)
	}

	if out, _ = run(0, "clear", "--older", "7d", "--stream", "front-door"); !strings.HasPrefix(out, "0 entries removed") {
		t.Errorf("clear of what both flags apply to: %s", out)
	}
	if out, _ = run(0, "clear", "--older", "7d"); !strings.HasPrefix(out, "1 entries removed") {
		t.Errorf("clear --older: %s", out)
	}
	if out, _ = run(0, "clear"); !strings.HasPrefix(out, "2 entries removed") {
		t.Errorf("clear: %s", out)
	}
	if out, _ = run(0, "ls", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("ls of nothing: %s", out)
	}
}

func TestCacheCommandsBesideAMount(t *testing.T) {
	dir := t.TempDir()
	fillCache(t, dir, "yard", time.Now())
	c, err := cache.Open(dir, cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, name := range []string{"ls", "verify", "clear"} {
		if code, _, stderr := invoke(t, "cache", name, "--cache-dir", dir); code != 0 {
			t.Errorf("cache %s: exit code %d: %s", name, code, stderr)
		}
	}
	if len(cachedFiles(t, dir, "", "yard")) != 0 {
		t.Error("clear left the entry of a cache that is in use")
	}
}
