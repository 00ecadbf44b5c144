package clip_test

import (
	"testing"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/names"
	"clipfs/clip/sidecar"
)

// benchLibrary gives a library over an hour and a bit of 2 s fragments, which are in memory.
func benchLibrary(b *testing.B) *clip.Library {
	b.Helper()
	m := memory.New()
	m.Record("cam", memory.Base(), 5400, 2*time.Second)
	c, err := cache.Open(b.TempDir(), cache.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	l := clip.NewLibrary(m, c, clip.Options{MetadataTTL: time.Hour})
	if _, err := l.Clip(b.Context(), "cam", archive.NewSpan(memory.Base(), 2*time.Hour)); err != nil {
		b.Fatal(err)
	}
	return l
}

// BenchmarkLookUp: an hour of 1,800 fragments that begins in mid-hour, as ls -l makes it. The listing is in memory.
func BenchmarkLookUp(b *testing.B) {
	l := benchLibrary(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Clip(b.Context(), "cam", archive.NewSpan(memory.Base().Add(7*time.Minute), time.Hour)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFirstLookUp: the same, each time of another span, as when a directory is listed for the first time.
func BenchmarkFirstLookUp(b *testing.B) { lookUpOnce(b, func(*clip.Library) {}) }

// BenchmarkFirstLookUpOfAnHour: the same, where nothing of the hours was looked up before.
func BenchmarkFirstLookUpOfAnHour(b *testing.B) { lookUpOnce(b, clip.ForgetMinutes) }

// lookUpOnce looks spans up, each once, and does something before each.
func lookUpOnce(b *testing.B, before func(*clip.Library)) {
	b.Helper()
	l := benchLibrary(b)
	b.ReportAllocs()
	start := memory.Base()
	for b.Loop() {
		start = start.Add(time.Millisecond)
		before(l)
		if _, err := l.Clip(b.Context(), "cam", archive.NewSpan(start, time.Hour)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSidecar: how much there is to say of that hour, which ls -l asks.
func BenchmarkSidecar(b *testing.B) {
	l := benchLibrary(b)
	c, err := l.Clip(b.Context(), "cam", archive.NewSpan(memory.Base().Add(7*time.Minute), time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r, err := c.Recording(b.Context())
		if err != nil || len(sidecar.Text(r, "")) == 0 {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseFile: the name of a clip in the directory of a start.
func BenchmarkParseFile(b *testing.B) {
	g := names.Grammar{}
	start, err := g.ParseStart("2024-01-01T10:00")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.ParseFile(start, "1h30m.mp4"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseStart: the name of the directory of a start.
func BenchmarkParseStart(b *testing.B) {
	g := names.Grammar{}
	for _, name := range []string{"2024-01-01", "2024-01-01T10:07:30.250+02:00", "20240101T100000Z"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g.ParseStart(name); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
