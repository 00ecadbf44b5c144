package clip_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/emulator/fault"
)

// untruths are ways for a payload not to be one.
func untruths() map[string]func(payload []byte) []byte {
	all := map[string]func([]byte) []byte{
		"a page of text":       func([]byte) []byte { return []byte("<html>this is no MP4 at all</html>") },
		"nothing":              func([]byte) []byte { return nil },
		"a box of size 3":      func(p []byte) []byte { return append(bytes.Clone(p[:24]), 0, 0, 0, 3, 'f', 'r', 'e', 'e') },
		"no more than a ftyp":  func(p []byte) []byte { return p[:p[3]] },
		"another box in front": func(p []byte) []byte { return append([]byte("\x00\x00\x00\x08what"), p...) },
	}
	for _, what := range fault.Untruths() {
		if what == fault.LieOverlap {
			continue // a payload here has one chunk; the end-to-end tests have more
		}
		all["a lie about "+string(what)] = func(p []byte) []byte {
			p = bytes.Clone(p)
			if err := fault.Falsify(p, what); err != nil {
				panic(err)
			}
			return p
		}
	}
	return all
}

// TestWrongPayloads: what is no payload is asked for again, and the reader gets the right one; if it stays wrong, the reader
// gets an error after three calls, and never a byte of it. Where moov comes last, media has been handed on before it is
// known that the head lies; it is right all the same.
func TestWrongPayloads(t *testing.T) {
	for name, spoil := range untruths() {
		for _, moovLast := range []bool{false, true} {
			for _, always := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					m := memory.New()
					m.Lengths, m.MoovLast = true, moovLast
					m.Record("cam", memory.Base(), 100, 2*time.Second)
					m.Body = func(n int, payload []byte) io.Reader {
						if n == 1 || always {
							return bytes.NewReader(spoil(payload))
						}
						return bytes.NewReader(payload)
					}
					l, c := library(t, m, clip.Options{})
					span := archive.NewSpan(memory.Base(), time.Minute)
					got, err := readAll(t, lookUp(t, l, "cam", span))
					payloads, _, _ := m.Calls()
					switch {
					case always && (!errors.Is(err, archive.ErrMedia) || payloads != 3):
						t.Errorf("%s, moov last %t: %v after %d calls, want ErrMedia after 3", name, moovLast, err, payloads)
					case !always && (err != nil || !bytes.Equal(got, expected(m, "cam", span)) || payloads != 2):
						t.Errorf("%s, moov last %t, once: %d bytes, %v, after %d calls", name, moovLast, len(got), err, payloads)
					}
					_ = c.Close() // within the bubble
				})
			}
		}
	}
}

// TestLengthBeyondThePayload: a Content-Length that is too large is not the file's size.
func TestLengthBeyondThePayload(t *testing.T) {
	m := memory.New()
	m.Lengths = true
	m.Record("cam", memory.Base(), 100, 2*time.Second)
	m.Body = func(_ int, payload []byte) io.Reader {
		return io.MultiReader(bytes.NewReader(payload), bytes.NewReader([]byte("\x00\x00\x00\x10freemore")))
	}
	l, _ := library(t, m, clip.Options{})
	span := archive.NewSpan(memory.Base(), time.Minute)
	if got, err := readAll(t, lookUp(t, l, "cam", span)); err != nil || !bytes.Equal(got, expected(m, "cam", span)) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// TestGoneUnderAHandle: an open file whose footage or stream is gone is stale; it is no name that is not there.
func TestGoneUnderAHandle(t *testing.T) {
	for _, gone := range []error{archive.ErrNoFootage, archive.ErrNoStream} {
		synctest.Test(t, func(t *testing.T) {
			m := memory.New()
			m.Record("cam", memory.Base(), 100, 2*time.Second)
			m.Body = func(n int, payload []byte) io.Reader {
				if n == 1 {
					return brokenAt(payload, len(payload)/2)
				}
				return bytes.NewReader(payload)
			}
			l, c := library(t, m, clip.Options{})
			h, err := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute)).Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			m.Change(func() { m.RefusePayload = func(int) error { return gone } })
			if _, err := h.ReadAt(t.Context(), make([]byte, 100), h.Size()-100); !errors.Is(err, archive.ErrChanged) || errors.Is(err, gone) {
				t.Errorf("%v: got %v, want ErrChanged and nothing else", gone, err)
			}
			_ = h.Close()
			_ = c.Close() // within the bubble
		})
	}
}

// TestChangedForAMoment: a part that was another one for a moment makes open files stale; when it is again what it was, the
// next open works at once, although that is a change too.
func TestChangedForAMoment(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 300, 2*time.Second)
	lasts := func(more time.Duration) {
		m.Change(func() {
			for i := range m.Recorded["cam"] {
				m.Recorded["cam"][i].Length += more
			}
		})
	}
	span := archive.NewSpan(memory.Base(), 10*time.Minute)
	heads, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = heads.Close() })
	o := lazy()
	o.Heads = heads
	first, _ := library(t, m, o)
	if _, err := readAll(t, lookUp(t, first, "cam", span)); err != nil { // which brings the heads
		t.Fatal(err)
	}
	l, _ := library(t, m, o)
	h, err := lookUp(t, l, "cam", span).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lasts(-100 * time.Millisecond)
	if _, err := h.ReadAt(t.Context(), make([]byte, 1000), h.Size()/2); !errors.Is(err, archive.ErrChanged) {
		t.Errorf("got %v, want ErrChanged", err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	lasts(100 * time.Millisecond)
	if h, err = lookUp(t, l, "cam", span).Open(t.Context()); err != nil {
		t.Fatalf("when it was over: %v", err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}
