package disk_test

import (
	"bytes"
	"testing"
	"time"

	"clipfs/cache/disk"
)

// FuzzFooter: whatever stands behind an entry in its file, it is read back as it was written or is an error; nothing is
// allocated by what it says of itself, and the words it has are short.
func FuzzFooter(f *testing.F) {
	f.Add(int64(0), []byte{})
	f.Add(int64(1), disk.Footer{
		About: disk.About{Stream: "door", Kind: "payload", Fragments: 5, Start: time.Unix(1, 0), End: time.Unix(2, 0)}, Expires: time.Unix(9, 0),
		Sums: []uint32{disk.Castagnoli(0, []byte("x"))},
	}.Encode(1))
	f.Fuzz(func(t *testing.T, size int64, tail []byte) {
		if size < 0 || size > 1<<20 { // the file's name says it, and its length is compared with that
			return
		}
		got, err := disk.ReadFooter(bytes.NewReader(tail), 0, size, true)
		about, sums := got.About, got.Sums
		if err != nil {
			return
		}
		if len(about.Stream) > 256 || len(about.Kind) > 64 {
			t.Errorf("words of %d and %d bytes", len(about.Stream), len(about.Kind))
		}
		if want := (size + 64<<10 - 1) / (64 << 10); int64(len(sums)) != want {
			t.Errorf("%d checksums of %d bytes, want %d", len(sums), size, want)
		}
		again := got.Encode(size)
		second, err := disk.ReadFooter(bytes.NewReader(again), 0, size, true)
		if err != nil || second.About != about {
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
		got, err := disk.ReadFooter(bytes.NewReader(disk.SealFooter(size, text)), 0, size, true)
		about, sums := got.About, got.Sums
		if err != nil {
			return
		}
		if len(about.Stream) > 256 || len(about.Kind) > 64 || int64(len(sums)) != (size+64<<10-1)/(64<<10) {
			t.Errorf("got %+v and %d checksums of %d bytes", about, len(sums), size)
		}
	})
}

// FuzzProof: what stands behind the checksums of a pair is a proof just as it was written, or none.
func FuzzProof(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, text []byte) {
		again, ok := disk.ProofRoundTrip(text)
		if ok && !bytes.Equal(again[:44], text[:44]) {
			t.Errorf("%x came back as %x", text, again)
		}
	})
}
