package clip_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// TestGone: a clip whose footage is deleted after it was looked up has changed, whether it is of one part or of many, all of it is gone
// or its beginning, and what it is made of is still in memory or not. It is never shorter, and never said to be without footage.
func TestGone(t *testing.T) {
	const fragment = 10 * time.Second
	for _, length := range []time.Duration{fragment, time.Minute, 20 * time.Minute} {
		for _, gone := range []time.Duration{fragment, length} {
			for _, opened := range []bool{false, true} {
				t.Run(fmt.Sprint(length, gone, opened), func(t *testing.T) {
					m := memory.New()
					m.Record("cam", memory.Base(), 600, fragment)
					l, _ := library(t, m, clip.Options{MetadataTTL: time.Nanosecond})
					c := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), length))
					detail, err := c.Recording(t.Context()) // what it is made of stays in memory
					if err != nil {
						t.Fatal(err)
					}
					var h *clip.Handle
					if opened {
						if h, err = c.Open(t.Context()); err != nil {
							t.Fatal(err)
						}
						defer func() { _ = h.Close() }()
					}
					m.Change(func() { m.Recorded["cam"] = m.Recorded["cam"][int(gone/fragment):] })
					if h != nil {
						b := make([]byte, h.Size())
						if n, err := h.ReadAt(t.Context(), b, 0); (err == nil || errors.Is(err, io.EOF)) && n == len(b) {
							return // it had come already
						} else if !errors.Is(err, archive.ErrChanged) {
							t.Errorf("read of what is gone: %d of %d bytes, %v; want %v", n, len(b), err, archive.ErrChanged)
						}
						return
					}
					if b, err := readAll(t, c); !errors.Is(err, archive.ErrChanged) {
						t.Errorf("open of what is gone: %d bytes, %v; want %v", len(b), err, archive.ErrChanged)
					}
					runtime.KeepAlive(detail)
				})
			}
		}
	}
}
