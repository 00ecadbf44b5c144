package clip_test

import (
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// BenchmarkJoinedReadAt reads a little of an open clip of many parts, all of it on disk: where a position lies, and what
// the cache has of it. Near reads stay in one part, far ones go from part to part.
func BenchmarkJoinedReadAt(b *testing.B) {
	l := benchLibrary(b)
	c, err := l.Clip(b.Context(), "cam", archive.NewSpan(memory.Base(), 2*time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	h, err := c.Open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	if _, err := io.Copy(io.Discard, io.NewSectionReader(reader{b, h}, 0, h.Size())); err != nil {
		b.Fatal(err)
	}
	for _, reach := range []struct {
		name  string
		bytes int64
	}{{"near", 512}, {"far", h.Size() / 2}} {
		b.Run(reach.name, func(b *testing.B) {
			places := rand.New(rand.NewPCG(1, 2))
			p := make([]byte, 128)
			b.ReportAllocs()
			for b.Loop() {
				at := h.Size() - reach.bytes + places.Int64N(reach.bytes-int64(len(p)))
				if _, err := h.ReadAt(b.Context(), p, at); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLayout finds where positions of a clip of many parts lie.
func BenchmarkLayout(b *testing.B) {
	l := benchLibrary(b)
	c, err := l.Clip(b.Context(), "cam", archive.NewSpan(memory.Base(), 2*time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	h, err := c.Open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	places := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for b.Loop() {
		if !clip.LayoutAt(h, places.Int64N(h.Size())) {
			b.Fatal("a position within the clip is not found")
		}
	}
}

// reader is an io.ReaderAt on a handle.
type reader struct {
	b *testing.B
	*clip.Handle
}

// ReadAt implements io.ReaderAt.
func (r reader) ReadAt(p []byte, off int64) (int, error) {
	return r.Handle.ReadAt(r.b.Context(), p, off)
}
