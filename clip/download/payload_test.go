package download_test

import (
	"testing"

	"clipfs/clip/download"
)

// TestSpaceBeforeTheHead: before a head tells the size a payload gets the size of its fragments and a tenth, and no more than a
// call can bring.
func TestSpaceBeforeTheHead(t *testing.T) {
	for bytes, want := range map[int64]int64{
		0: 0, 1_000_000: 1_100_000, 90_000_000: 99_000_000, 95_000_000: 100_000_000, 1 << 40: 100_000_000,
	} {
		if got := download.Expected(bytes); got != want {
			t.Errorf("%d bytes of fragments: %d reserved, want %d", bytes, got, want)
		}
	}
}
