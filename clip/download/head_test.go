package download_test

import (
	"bytes"
	"testing"

	"clipfs/clip/download"
)

func TestHeadRecord(t *testing.T) {
	for _, split := range []int{0, 17} {
		record := download.HeadRecord(download.Head{Size: 1 << 40, MediaStart: 1234, MediaEnd: 1 << 40, MoovLast: split == 0, Split: split, Moov: []byte("moov")})
		again, err := download.DecodeHead(record)
		if err != nil || !bytes.Equal(again, record) {
			t.Errorf("%v: got %x, want %x", err, again, record)
		}
		for i := range record { // no damage goes unseen
			bad := bytes.Clone(record)
			bad[i] ^= 0x10
			if _, err := download.DecodeHead(bad); err == nil {
				t.Errorf("byte %d changed unseen", i)
			}
		}
		for n := range record {
			if _, err := download.DecodeHead(record[:n]); err == nil {
				t.Errorf("cut to %d bytes unseen", n)
			}
		}
	}
}

// FuzzDecodeHead: nothing that stands on disk makes it fail otherwise than with an error.
func FuzzDecodeHead(f *testing.F) {
	f.Add([]byte{})
	f.Add(download.HeadRecord(download.Head{Size: 100, MediaStart: 10, MediaEnd: 100, MoovLast: true, Moov: []byte("moov")}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if again, err := download.DecodeHead(b); err == nil && !bytes.Equal(again, b) {
			t.Errorf("%x came back as %x", b, again)
		}
	})
}
