package clip_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// endless gives a payload whose box of media goes on to the end of the body, as far as that lies at the end.
func endless(payload []byte) []byte {
	p := bytes.Clone(payload)
	binary.BigEndian.PutUint32(p[bytes.Index(p, []byte("mdat"))-4:], 0)
	return p
}

// resized gives a payload whose box of media is so many bytes shorter, with what it then has.
func resized(payload []byte, by int) []byte {
	p := bytes.Clone(payload)
	at := bytes.Index(p, []byte("mdat")) - 4
	size := int(binary.BigEndian.Uint32(p[at:])) - by
	binary.BigEndian.PutUint32(p[at:], uint32(size))
	return append(p[:at+size:at+size], p[at+size+by:]...)
}

// cuts are ways for a payload to end early, in a form that does not show it.
func cuts() []struct {
	name     string
	moovLast bool
	framed   bool // it comes with the length that it has
	spoil    func(payload []byte) []byte
} {
	return []struct {
		name     string
		moovLast bool
		framed   bool
		spoil    func(payload []byte) []byte
	}{
		{"mdat of size 0", false, false, func(p []byte) []byte { return endless(p)[:len(p)-50_000] }},
		{"mdat of size 0, one byte", false, false, func(p []byte) []byte { return endless(p)[:len(p)-1] }},
		{"mdat of size 0, with a length", false, true, func(p []byte) []byte { return endless(p)[:len(p)-50_000] }},
		{"tables beyond mdat", false, false, func(p []byte) []byte { return resized(p, 50_000) }},
		{"tables beyond mdat, with a length", false, true, func(p []byte) []byte { return resized(p, 50_000) }},
		{"tables beyond mdat, moov last", true, false, func(p []byte) []byte { return resized(p, 100) }},
		{"tables beyond mdat, moov last, with a length", true, true, func(p []byte) []byte { return resized(p, 100) }},
		{"all media cut", false, false, func(p []byte) []byte { return endless(p)[:bytes.Index(p, []byte("mdat"))+4] }},
	}
}

// TestBodiesThatEndEarly: what tables speak of has to have come, whatever the framing of the body; else it is asked for
// again, and kept only when it is whole.
func TestBodiesThatEndEarly(t *testing.T) {
	for _, test := range cuts() {
		for _, length := range []time.Duration{time.Minute, 4 * time.Minute} { // one part, and two
			for _, always := range []bool{false, true} {
				t.Run(fmt.Sprint(test.name, " ", length, " always ", always), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { tryCut(t, test.moovLast, test.framed, always, length, test.spoil) })
				})
			}
		}
	}
}

// tryCut reads a clip whose first payload, or each, is spoilt.
func tryCut(t *testing.T, moovLast, framed, always bool, length time.Duration, spoil func([]byte) []byte) {
	m := memory.New()
	m.MoovLast = moovLast
	m.Record("cam", memory.Base(), 60, 2*time.Second)
	m.Record("cam", memory.Base().Add(2*time.Minute+30*time.Second), 45, 2*time.Second)
	m.Body = func(n int, payload []byte) io.Reader {
		if n == 1 || always {
			return bytes.NewReader(spoil(payload))
		}
		return bytes.NewReader(payload)
	}
	var a archive.Service = m
	if framed {
		a = framing{m}
	}
	l, c := library(t, a, clip.Options{})
	film := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), length))
	if !always {
		mustBe(t, m, film)
	} else if got, err := readAll(t, film); !errors.Is(err, archive.ErrUnreachable) && !errors.Is(err, archive.ErrMedia) {
		t.Errorf("got %d bytes, %v, want an error", len(got), err)
	}
	if payloads, _, _ := m.Calls(); payloads < 2 || payloads > 60 {
		t.Errorf("%d GetClip calls", payloads)
	}
	if has := c.Has(cache.Key(strings.TrimSuffix(film.Key(), ".0"))); always && has {
		t.Error("what was cut was kept")
	}
	_ = c.Close() // within the bubble
}

// framing is an archive that tells the length of what it sends.
type framing struct{ *memory.Archive }

// Payload implements archive.Service.
func (f framing) Payload(ctx context.Context, q archive.PayloadQuery) (*archive.Payload, error) {
	p, err := f.Archive.Payload(ctx, q)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(p.Body)
	if err != nil {
		return nil, err
	}
	p.Length, p.Body = int64(len(body)), io.NopCloser(bytes.NewReader(body))
	return p, nil
}

// TestOldEntriesThatWereCut: what an earlier version kept although it had been cut is fetched again, and not served.
func TestOldEntriesThatWereCut(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 60, 2*time.Second)
	span := archive.NewSpan(memory.Base(), time.Minute)
	dir := t.TempDir()
	open := func() *cache.Cache {
		c, err := cache.Open(dir, cache.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open()
	l := clip.NewLibrary(m, c, clip.Options{})
	key := cache.Key(strings.TrimSuffix(lookUp(t, l, "cam", span).Key(), ".0"))
	old := endless(expected(m, "cam", span))
	old = old[:len(old)-50_000]
	entry, err := c.Acquire(key, cache.Request{Fill: func(_ context.Context, w *cache.Writer) error { return w.Append(old) }})
	if err != nil {
		t.Fatal(err)
	}
	<-entry.Done()
	entry.Release()
	c.NoteSize(key, int64(len(old)))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}

	c = open()
	t.Cleanup(func() { _ = c.Close() })
	l = clip.NewLibrary(m, c, clip.Options{})
	if got, err := readAll(t, lookUp(t, l, "cam", span)); !errors.Is(err, archive.ErrChanged) { // it had another size
		t.Errorf("got %d bytes, %v, want ErrChanged", len(got), err)
	}
	mustBe(t, m, lookUp(t, l, "cam", span))
	if payloads, _, _ := m.Calls(); payloads > 2 {
		t.Errorf("%d GetClip calls, want at most 2", payloads)
	}
}
