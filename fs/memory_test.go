package fs_test

import (
	"testing"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// door gives an archive of one stream, "door", that has recorded a fragment every ten seconds since a time.
func door(since time.Time) *memory.Archive {
	a := memory.New()
	a.Retention = 48 * time.Hour
	a.Record("door", since, int(time.Since(since)/(10*time.Second)), 10*time.Second)
	return a
}

// library gives the clips of an archive, in a cache of its own.
func library(t *testing.T, service archive.Service) *clip.Library {
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
	return clip.NewLibrary(service, c, clip.Options{})
}

// lookup gives the clip of a span of the stream "door".
func lookup(t *testing.T, l *clip.Library, start time.Time, length time.Duration) *clip.Clip {
	t.Helper()
	c, err := l.Clip(t.Context(), "door", archive.NewSpan(start, length))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
