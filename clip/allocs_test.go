package clip_test

import (
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// TestReadsAllocateNothing: a read of an open clip, of one part and of many, whose bytes are on disk, allocates nothing,
// within a part and across the border of two.
func TestReadsAllocateNothing(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 600, 2*time.Second)
	l, _ := library(t, m, clip.Options{MetadataTTL: time.Hour})
	for _, test := range []struct {
		name   string
		length time.Duration
	}{{"one part", 2 * time.Minute}, {"many parts", 20 * time.Minute}} {
		t.Run(test.name, func(t *testing.T) {
			c := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), test.length))
			want, err := readAll(t, c)
			if err != nil {
				t.Fatal(err)
			}
			h, err := c.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = h.Close() }()
			ctx, p := t.Context(), make([]byte, len(want)/20)
			// Twice, so that the parts are taken up.
			for range 2 {
				if n, err := h.ReadAt(ctx, p, h.Size()/2); err != nil || string(p[:n]) != string(want[h.Size()/2:][:len(p)]) {
					t.Fatalf("%d bytes, %v", n, err)
				}
			}
			if got := testing.AllocsPerRun(200, func() {
				if _, err := h.ReadAt(ctx, p, h.Size()/2); err != nil {
					t.Error(err)
				}
			}); got >= 1 {
				t.Errorf("%v allocations a read, want none", got)
			}
		})
	}
}
