package clip_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// zeros is a body without an end.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestBodyWithoutEnd: a body that goes on is failed where no payload of the service goes on, and not a byte before.
func TestBodyWithoutEnd(t *testing.T) {
	n, err := io.Copy(io.Discard, clip.NewBoundedReader(zeros{}))
	if n != clip.MaxPayload || !errors.Is(err, archive.ErrMedia) {
		t.Errorf("read %d bytes, %v; want %d and ErrMedia", n, err, clip.MaxPayload)
	}
	n, err = io.Copy(io.Discard, clip.NewBoundedReader(io.LimitReader(zeros{}, clip.MaxPayload)))
	if n != clip.MaxPayload || err != nil {
		t.Errorf("read %d bytes, %v of a body that ends there", n, err)
	}
}

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
		"content length":       {clip.MaxPayload + 1, func(p []byte) []byte { return p }},
		"content length, most": {1<<63 - 1, func(p []byte) []byte { return p }},
		"moov":                 {0, func([]byte) []byte { return append(boxHeader("moov", clip.MaxPayloadMoov+1), make([]byte, 1000)...) }},
		"moov, most":           {0, func([]byte) []byte { return append(boxHeader("moov", 1<<63-1), make([]byte, 1000)...) }},
		"media":                {0, func(p []byte) []byte { return moovThen(p, boxHeader("mdat", clip.MaxPayload)) }},
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

// TestHourWithoutEnd: an hour of more fragments than can be is refused, and what was listed is not kept.
func TestHourWithoutEnd(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 100_001, time.Millisecond)
	l, _ := library(t, m, clip.Options{TimelineDir: t.TempDir()})
	if _, err := l.Clip(t.Context(), "cam", archive.NewSpan(memory.Base(), time.Hour)); !errors.Is(err, archive.ErrTooBig) {
		t.Errorf("got %v, want ErrTooBig", err)
	}
	if fragments, hours := clip.Held(l); fragments != 0 || hours != 0 {
		t.Errorf("%d fragments of %d hours are kept", fragments, hours)
	}
}

// TestRecordsThatCannotBe: a file of remembered hours that is whole but says what cannot be is not believed.
func TestRecordsThatCannotBe(t *testing.T) {
	good := `{"id":"1","p":1704103200000,"s":1704103200250,"l":1796,"n":1000}`
	if fragments, _, err := clip.ReadDay(bytes.NewReader(packed(t, `[{"hour":1704103200,"fragments":[`+good+`]}]`))); err != nil || len(fragments) != 1 {
		t.Fatalf("%d fragments, %v", len(fragments), err)
	}
	for _, bad := range []string{
		`{}`, `{"id":"1","p":-1,"s":1,"l":1,"n":1}`, `{"id":"1","p":1,"s":-1,"l":1,"n":1}`, `{"id":"1","p":1,"s":1,"l":-1,"n":1}`,
		`{"id":"1","p":1,"s":1,"l":1,"n":-1}`, `{"id":"1","p":9000000000000000000,"s":1,"l":1,"n":1}`, `{"id":"1","p":1,"s":1,"l":9000000000000,"n":1}`,
	} {
		text := fmt.Sprintf(`[{"hour":1704103200,"fragments":[%s,%s]}]`, good, bad)
		if fragments, _, err := clip.ReadDay(bytes.NewReader(packed(t, text))); err == nil || len(fragments) > 0 {
			t.Errorf("%s: %d fragments, %v", bad, len(fragments), err)
		}
	}
}

// TestHourStoreIsBounded: remembered hours take no more of the disk than they may, while they are written too; what was
// written last is kept.
func TestHourStoreIsBounded(t *testing.T) {
	const most, every = 20_000, 2_000
	dir := t.TempDir()
	clip.PutHours(dir, 1000, most, every)
	var total int64
	newest := ""
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
			newest = max(newest, d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if total > most+2*every || total < most/2 {
		t.Errorf("%d bytes, %d are allowed", total, most)
	}
	if want := "1972-09-26.json.gz"; newest != want { // day 999
		t.Errorf("the newest is %s, want %s", newest, want)
	}
}
