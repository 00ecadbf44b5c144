package cache_test

import (
	"bytes"
	"testing"
	"time"

	"clipfs/cache"
)

// FuzzFooter: whatever stands behind an entry in its file, it is read back as it was written or is an error; nothing is
// allocated by what it says of itself, and the words it has are short.
func FuzzFooter(f *testing.F) {
	f.Add(int64(0), []byte{})
	f.Add(int64(1), cache.Footer([]byte("x"), cache.About{Stream: "door", Kind: "payload", Fragments: 5, Start: time.Unix(1, 0), End: time.Unix(2, 0)}, time.Unix(9, 0)))
	f.Fuzz(func(t *testing.T, size int64, tail []byte) {
		if size < 0 || size > 1<<20 { // the file's name says it, and its length is compared with that
			return
		}
		about, expires, sums, err := cache.ReadFooter(tail, size)
		if err != nil {
			return
		}
		if len(about.Stream) > 256 || len(about.Kind) > 64 {
			t.Errorf("words of %d and %d bytes", len(about.Stream), len(about.Kind))
		}
		if want := (size + 64<<10 - 1) / (64 << 10); int64(len(sums)) != want {
			t.Errorf("%d checksums of %d bytes, want %d", len(sums), size, want)
		}
		again := cache.FooterOf(size, about, expires, sums)
		second, _, _, err := cache.ReadFooter(again, size)
		if err != nil || second != about {
			t.Errorf("%+v came back as %+v, %v", about, second, err)
		}
	})
}

// FuzzSealedFooter: the same for tails whose checksums are right, so that what they say is looked at.
func FuzzSealedFooter(f *testing.F) {
	f.Add(int64(1), []byte{})
	f.Add(int64(1), bytes.Repeat([]byte{0xff}, 600))
	f.Fuzz(func(t *testing.T, size int64, text []byte) {
		if size < 0 || size > 1<<20 {
			return
		}
		about, _, sums, err := cache.ReadFooter(cache.SealFooter(size, text), size)
		if err != nil {
			return
		}
		if len(about.Stream) > 256 || len(about.Kind) > 64 || int64(len(sums)) != (size+64<<10-1)/(64<<10) {
			t.Errorf("got %+v and %d checksums of %d bytes", about, len(sums), size)
		}
	})
}

// FuzzFileName: a name in the cache's directory is one of ours in its only spelling, or is left alone.
func FuzzFileName(f *testing.F) {
	f.Add("p-0123.100.1700000000000000000")
	f.Add("p-0123.1700000000000000000.part")
	f.Fuzz(func(t *testing.T, name string) {
		if again, ok := cache.FileNameRoundTrip(name); ok && again != name {
			t.Errorf("%q is taken for %q", name, again)
		}
	})
}
