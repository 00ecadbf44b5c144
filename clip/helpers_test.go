package clip_test

import (
	"errors"
	"io"
	"testing"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/names"
	"clipfs/clip/sidecar"
)

// library gives a library over an archive with a cache of its own.
func library(t *testing.T, m archive.Service, o clip.Options) (*clip.Library, *cache.Cache) {
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
	return clip.NewLibrary(m, c, o), c
}

// expected is what the file of a clip holds: the payload with the times of its first fragment.
func expected(m *memory.Archive, name archive.StreamName, span archive.Span) []byte {
	fragments := m.Selected(name, archive.ByProducer, span)
	return memory.Movie(fragments, m.MoovLast, fragments[0].Producer)
}

// lookUp gives a clip that has to be there.
func lookUp(t *testing.T, l *clip.Library, name archive.StreamName, span archive.Span) *clip.Clip {
	t.Helper()
	c, err := l.Clip(t.Context(), name, span)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// readAll opens a clip, reads all of it, and closes it.
func readAll(t *testing.T, c *clip.Clip) ([]byte, error) {
	t.Helper()
	h, err := c.Open(t.Context())
	if err != nil {
		return nil, err
	}
	defer func() { _ = h.Close() }()
	b := make([]byte, h.Size())
	n, err := h.ReadAt(t.Context(), b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b[:n], nil
}

// sidecarOf gives the text beside a clip.
func sidecarOf(t *testing.T, c *clip.Clip) []byte {
	t.Helper()
	r, err := c.Recording(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sidecar.Text(r, names.Grammar{}.FormatPath(r.Stream.Name, r.Span, r.Cover))
}
