package clip_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// trickle is a body of which a piece comes each second.
type trickle struct {
	body  io.Reader
	piece int
}

// Read implements io.Reader.
func (r *trickle) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	return r.body.Read(p[:min(len(p), r.piece)])
}

// TestSilence: a fetch is given up when the archive was silent for ReadTimeout in all since the last byte that was new,
// over however many calls. What repeats slowly what was there is not silent.
func TestSilence(t *testing.T) {
	const timeout, stall = 9 * time.Second, 3 * time.Second
	half := func(payload []byte) int { return len(payload) / 2 }
	for _, test := range []struct {
		name string
		body func(n int, payload []byte) io.Reader
		err  error
		most time.Duration
	}{
		{"repeated slowly", func(n int, payload []byte) io.Reader {
			if n == 1 {
				return brokenAt(payload, half(payload))
			}
			return &trickle{bytes.NewReader(payload), len(payload)/40 + 1}
		}, nil, time.Minute},
		{"stalled always", func(_ int, payload []byte) io.Reader {
			return silentAt(payload, half(payload))
		}, archive.ErrUnreachable, timeout},
		{"cut always, and repeated slowly before", func(_ int, payload []byte) io.Reader {
			return &trickle{brokenAt(payload, half(payload)), len(payload)/10 + 1}
		}, archive.ErrUnreachable, 2 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := memory.New()
				m.Record("cam", memory.Base(), 30, 2*time.Second)
				m.Body = test.body
				l, c := library(t, m, clip.Options{ReadTimeout: timeout, StallTimeout: stall})
				begun := time.Now()
				_, err := readAll(t, lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute)))
				if took := time.Since(begun); !errors.Is(err, test.err) || took > test.most {
					t.Errorf("%v after %s, want %v within %s", err, took, test.err, test.most)
				}
				_ = c.Close() // within the bubble
			})
		})
	}
}
