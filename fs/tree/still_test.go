package tree_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/still"
	"clipfs/fs/tree"
)

// stillTree gives the tree of an archive with stills, which logs to log.
func stillTree(t *testing.T, a *memory.Archive, settings still.Settings, log *bytes.Buffer) *tree.Tree {
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
	logger := slog.New(slog.NewTextHandler(log, nil))
	library := clip.NewLibrary(a, c, clip.Options{})
	return tree.New(library, tree.Options{Logger: logger, Stills: still.New(still.Options{
		Settings: settings, Logger: logger, Gap: archive.DefaultGap, TTL: time.Minute, Footage: library.Timeline,
		Images: library.Downloads().Images, Store: c, Versions: library.Downloads().Identities(),
	})})
}

// TestStill: a still is a file that no directory lists, whose look-up fetches nothing, and whose open makes its size exact.
func TestStill(t *testing.T) {
	a := recorded()
	var log bytes.Buffer
	entries := stillTree(t, a, still.Settings{Width: 640}, &log)
	instant := memory.Base().Add(7*time.Minute + 31*time.Second + 250*time.Millisecond)
	f := file(t, entries, "door/1999-12-31T20:07:31.250.jpg")
	if n, exact := f.Size(); exact || n == 0 || f.Stored() != n || f.ContentType != "image/jpeg" || !f.Time.Equal(instant) || len(a.Asked) != 0 {
		t.Errorf("%d bytes, exact %t, %s of %s after %d calls", n, exact, f.ContentType, f.Time, len(a.Asked))
	}
	for name, want := range map[string]string{
		"stream": "door", "start": "1999-12-31T20:07:31.250Z", "first": "1999-12-31T20:07:30.000Z", "size": "estimate", "missing": "409600", "error": "",
	} {
		if got, _ := attribute(t, f, name); got != want {
			t.Errorf("attribute %s: got %q, want %q", name, got, want)
		}
	}
	if err := entries.Measure(t.Context(), f); err != nil || len(a.Asked) != 1 {
		t.Errorf("measured: %v after %d calls", err, len(a.Asked))
	}
	want := memory.Picture(a.Recorded["door"][45], instant, 640)
	for range 2 {
		if got, err := read(t, f); err != nil || !bytes.Equal(got, want) || len(a.Asked) != 1 {
			t.Errorf("got %q, %v after %d calls, want %q", got, err, len(a.Asked), want)
		}
	}
	if n, exact := file(t, entries, f.Path).Size(); !exact || n != int64(len(want)) || file(t, entries, f.Path).Version != f.Version {
		t.Errorf("looked up again: %d bytes, exact %t, want %d of the same version", n, exact, len(want))
	}
	dir, _, err := entries.Walk(t.Context(), "door")
	if err != nil {
		t.Fatal(err)
	}
	items, err := dir.(*tree.Dir).List(t.Context())
	for _, item := range items {
		if err != nil || strings.HasSuffix(item.Name, ".jpg") {
			t.Errorf("%s is listed, %v", item.Name, err)
		}
	}
	if !strings.Contains(log.String(), "exact sizes fetched") || !strings.Contains(log.String(), "calls=1") {
		t.Errorf("what measuring has cost is not told:\n%s", &log)
	}
}

// TestStillThatIsNone: names that are none, instants at which nothing was recorded, and stills that are off.
func TestStillThatIsNone(t *testing.T) {
	a := recorded()
	var log bytes.Buffer
	entries := stillTree(t, a, still.Settings{Off: true}, &log)
	for path, want := range map[string]error{
		"door/1999-12-31T19:59:59.999.jpg":              archive.ErrNoFootage,
		"door/1999-12-31T22:00.jpg":                     archive.ErrNoFootage,
		"dark/1999-12-31T20:07.jpg":                     archive.ErrNoFootage,
		"nobody/1999-12-31T20:07.jpg":                   archive.ErrNoStream,
		"door/1999-12-31T20:07.JPG":                     archive.ErrName,
		"door/cover.jpg":                                archive.ErrName,
		"door/1999-12-31T20:00/10m.jpg":                 archive.ErrName,
		"door/1999-12-31T20:00/1999-12-31T20:00:30.jpg": archive.ErrName,
		"door/last/1999-12-31T20:00:30.jpg":             archive.ErrName,
		"1999-12-31.jpg":                                archive.ErrNoStream,
	} {
		if e, _, err := entries.Walk(t.Context(), path); !errors.Is(err, want) {
			t.Errorf("%s: got %v, %v, want %v", path, e, err, want)
		}
	}
	if n := strings.Count(log.String(), "the picture of an instant is in the directory"); n != 1 {
		t.Errorf("explained %d times, want once:\n%s", n, &log)
	}
	f := file(t, entries, "door/1999-12-31T20:07:30.jpg")
	if got, _ := attribute(t, f, "error"); !strings.Contains(got, "--stills off") {
		t.Errorf("off: the error is %q", got)
	}
	if _, err := f.Open(t.Context()); !errors.Is(err, archive.ErrDenied) || len(a.Asked) != 0 {
		t.Errorf("off: got %v after %d calls, want an ErrDenied", err, len(a.Asked))
	}
}
