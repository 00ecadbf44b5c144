package fs_test

import (
	"fmt"
	"testing"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/fs/tree"
)

// door gives an archive of one stream, "door", that has recorded a fragment every ten seconds since a time.
func door(since time.Time) *memory.Archive {
	a := memory.New()
	a.Retention = 48 * time.Hour
	a.Record("door", since, int(time.Since(since)/(10*time.Second)), 10*time.Second)
	return a
}

// library gives the tree of an archive, with a cache of its own.
func library(t *testing.T, service archive.Service) *tree.Tree {
	t.Helper()
	c, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return tree.New(clip.NewLibrary(service, c, clip.Options{}), tree.Options{})
}

// lookup gives the clip of a span of the stream "door".
func lookup(t *testing.T, entries *tree.Tree, start time.Time, length time.Duration) *tree.File {
	t.Helper()
	at := fmt.Sprintf("door/%s/%s.mp4", start.UTC().Format("2006-01-02T15:04:05Z"), length)
	e, rest, err := entries.Walk(t.Context(), at)
	file, ok := e.(*tree.File)
	if err != nil || rest != "" || !ok {
		t.Fatalf("%s: %v, %q, %v", at, e, rest, err)
	}
	return file
}
