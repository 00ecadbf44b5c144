package clip_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// The bounds on payloads, in bytes.
const (
	maxPayload = 256 << 20
	maxMoov    = 64 << 20
)

// lying is an archive whose bodies claim to be of a length.
type lying struct {
	*memory.Archive
	length int64
}

// Payload implements archive.Service.
func (l lying) Payload(ctx context.Context, q archive.PayloadQuery) (*archive.Payload, error) {
	p, err := l.Archive.Payload(ctx, q)
	if err == nil && l.length != 0 {
		p.Length = l.length
	}
	return p, err
}

// boxHeader gives the header of a box with a size of 64 bits.
func boxHeader(kind string, size uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte{0, 0, 0, 1}, kind...), size)
}

// TestHeadsThatLie: a payload that claims to be larger than any is refused before it takes memory or disk, in three
// calls at most; a length beside it that is wrong does not matter.
func TestHeadsThatLie(t *testing.T) {
	// moovThen gives the moov of an honest payload, then something else.
	moovThen := func(payload, then []byte) []byte {
		at := bytes.Index(payload, []byte("mdat")) - 4
		return append(bytes.Clone(payload[:at]), then...)
	}
	for name, test := range map[string]struct {
		length int64
		body   func(payload []byte) []byte
	}{
		"content length":       {maxPayload + 1, func(p []byte) []byte { return p }},
		"content length, most": {1<<63 - 1, func(p []byte) []byte { return p }},
		"moov":                 {0, func([]byte) []byte { return append(boxHeader("moov", maxMoov+1), make([]byte, 1000)...) }},
		"moov, most":           {0, func([]byte) []byte { return append(boxHeader("moov", 1<<63-1), make([]byte, 1000)...) }},
		"media":                {0, func(p []byte) []byte { return moovThen(p, boxHeader("mdat", maxPayload)) }},
		"media, most":          {0, func(p []byte) []byte { return moovThen(p, boxHeader("mdat", 1<<63-1)) }},
		"media, past all":      {0, func(p []byte) []byte { return moovThen(p, boxHeader("mdat", 1<<64-1)) }},
		"media of many parts":  {0, func(p []byte) []byte { return moovThen(p, boxHeader("mdat", 1<<62)) }},
	} {
		t.Run(name, func(t *testing.T) {
			m := memory.New()
			m.Record("cam", memory.Base(), 10, 2*time.Second)
			m.Body = func(_ int, payload []byte) io.Reader { return bytes.NewReader(test.body(payload)) }
			l, _ := library(t, lying{m, test.length}, clip.Options{ReadTimeout: 5 * time.Second})
			c := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute))
			got, err := readAll(t, c)
			if test.length != 0 { // what the head says is believed, as it is what the bytes are
				if want := expected(m, "cam", c.Span()); err != nil || !bytes.Equal(got, want) {
					t.Errorf("got %d bytes, %v; want %d", len(got), err, len(want))
				}
				return
			}
			if !errors.Is(err, archive.ErrMedia) {
				t.Errorf("got %d bytes, %v; want ErrMedia", len(got), err)
			}
			if calls, _, _ := m.Calls(); calls > 3 {
				t.Errorf("%d calls", calls)
			}
		})
	}
}
