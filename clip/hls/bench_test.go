package hls_test

import (
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// BenchmarkPlaylist makes the playlist of a day of fragments of two seconds, whose listing is known.
func BenchmarkPlaylist(b *testing.B) {
	a := memory.New()
	a.Record(door, memory.Base(), 43_200, 2*time.Second)
	p := publish(b, a, clip.Options{}, 0)
	for b.Loop() {
		c, err := p.library.Clip(b.Context(), door, archive.NewSpan(memory.Base(), 24*time.Hour))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Playlist(b.Context(), c, "../"); err != nil {
			b.Fatal(err)
		}
	}
}
