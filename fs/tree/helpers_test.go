package tree_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive/memory"
	"clipfs/fs/tree"
)

// newTree gives the tree of an archive, with a cache of its own.
func newTree(t *testing.T, service *memory.Archive, set clip.Options, o tree.Options) *tree.Tree {
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
	return tree.New(clip.NewLibrary(service, c, set), o)
}

// recorded is an archive of two hours of footage from memory.Base on, and a stream without any.
func recorded() *memory.Archive {
	a := memory.New()
	a.Record("door", memory.Base(), 720, 10*time.Second)
	a.Recorded["dark"] = nil
	a.Rewrite = pictured
	return a
}

// pictured makes the samples of a payload, two a fragment, ones of H.264: their length and the header of a slice stand before all else.
func pictured(payload []byte) []byte {
	const sample = 2000
	media := payload[bytes.Index(payload, []byte("mdat"))+4:]
	for ; len(media) >= sample; media = media[sample:] {
		binary.BigEndian.PutUint32(media, sample-4)
		media[4] = 0x41
	}
	return payload
}

// file gives the file at a path, which has to be there.
func file(t *testing.T, entries *tree.Tree, path string) *tree.File {
	t.Helper()
	e, _, err := entries.Walk(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	f, ok := e.(*tree.File)
	if !ok {
		t.Fatalf("%s is %T, want a file", path, e)
	}
	return f
}

// read opens a file and reads all of it.
func read(t *testing.T, f *tree.File) ([]byte, error) {
	t.Helper()
	c, err := f.Open(t.Context())
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	b := make([]byte, c.Size()+1) // one more, to see the end
	n, err := c.ReadAt(t.Context(), b, 0)
	if !errors.Is(err, io.EOF) || int64(n) != c.Size() {
		t.Errorf("%s: read %d of %d bytes, %v, want all and EOF", f.Path, n, c.Size(), err)
	}
	return b[:n], nil
}

// attribute asks for one; ok is false where the entry has none of that name.
func attribute(t *testing.T, e tree.Entry, name string) (value string, ok bool) {
	t.Helper()
	for _, a := range e.About().Attributes() {
		if a.Name == name {
			value, err := a.Value(t.Context())
			if err != nil {
				t.Errorf("%s of %s: %v", name, e.About().Path, err)
			}
			return value, value != ""
		}
	}
	return "", false
}
