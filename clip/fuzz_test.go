package clip_test

import (
	"bytes"
	"compress/gzip"
	"path/filepath"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
)

// packed gives texts as members of a file of remembered hours.
func packed(tb testing.TB, texts ...string) []byte {
	tb.Helper()
	var b bytes.Buffer
	for _, text := range texts {
		z := gzip.NewWriter(&b)
		if _, err := z.Write([]byte(text)); err != nil {
			tb.Fatal(err)
		}
		if err := z.Close(); err != nil {
			tb.Fatal(err)
		}
	}
	return b.Bytes()
}

// FuzzReadDay: whatever a file of remembered hours holds, it is read to its end or to what is damaged.
func FuzzReadDay(f *testing.F) {
	f.Add([]byte{})
	f.Add(packed(f, `[{"hour":1704103200,"fragments":[{"id":"1","p":1704103200000,"s":1704103200250,"l":1796,"n":1000}]}]`))
	f.Add(packed(f, `[{"hour":0}]`, `[{"hour":0,"forgotten":true}]`))
	f.Fuzz(func(t *testing.T, file []byte) {
		_, _, _ = clip.ReadDay(bytes.NewReader(file)) // an error is an answer
	})
}

// FuzzHourRecords: whatever the records say whose packing is whole, no fragment comes of them that an archive could not
// have listed.
func FuzzHourRecords(f *testing.F) {
	f.Add(`[{"hour":1704103200,"asked":"2024-01-01T11:02:00Z","fragments":[{"id":"1","p":1704103200000,"s":1704103200250,"l":1796,"n":1000}]}]`)
	f.Add(`[{"hour":3600,"forgotten":true}]`)
	f.Fuzz(func(t *testing.T, text string) {
		fragments, _, _ := clip.ReadDay(bytes.NewReader(packed(t, text))) // an error is an answer
		for _, fragment := range fragments {
			if fragment.ID == "" || fragment.Size < 0 || fragment.Length < 0 || fragment.Length > 24*time.Hour ||
				fragment.Producer.Year() < 1970 || fragment.Producer.Year() > 9999 {
				t.Errorf("got fragment %+v, which cannot be", fragment)
			}
		}
	})
}

// FuzzStreamName: a name that is valid is one element of a path, of bytes that no terminal or file system minds.
func FuzzStreamName(f *testing.F) {
	f.Add("front-door")
	f.Fuzz(func(t *testing.T, name string) {
		if !archive.StreamName(name).Valid() {
			return
		}
		if filepath.Base(name) != name || name == "." || name == ".." || len(name) > 256 || !filepath.IsLocal(name) {
			t.Errorf("%q is valid", name)
		}
		for _, c := range []byte(name) {
			if c <= ' ' || c >= 0x7f {
				t.Errorf("%q is valid", name)
			}
		}
	})
}
