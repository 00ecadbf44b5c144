package clip_test

import (
	"bytes"
	"testing"

	"clipfs/clip"
)

func TestHeadRecord(t *testing.T) {
	for _, split := range []int{0, 17} {
		record := clip.HeadRecord(1<<40, 1234, 1<<40, split == 0, split, []byte("moov"))
		again, err := clip.DecodeHead(record)
		if err != nil || !bytes.Equal(again, record) {
			t.Errorf("%v: got %x, want %x", err, again, record)
		}
		for i := range record { // no damage goes unseen
			bad := bytes.Clone(record)
			bad[i] ^= 0x10
			if _, err := clip.DecodeHead(bad); err == nil {
				t.Errorf("byte %d changed unseen", i)
			}
		}
		for n := range record {
			if _, err := clip.DecodeHead(record[:n]); err == nil {
				t.Errorf("cut to %d bytes unseen", n)
			}
		}
	}
}

// FuzzDecodeHead: nothing that stands on disk makes it fail otherwise than with an error.
func FuzzDecodeHead(f *testing.F) {
	f.Add([]byte{})
	f.Add(clip.HeadRecord(100, 10, 100, true, 0, []byte("moov")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if again, err := clip.DecodeHead(b); err == nil && !bytes.Equal(again, b) {
			t.Errorf("%x came back as %x", b, again)
		}
	})
}
