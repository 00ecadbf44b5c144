package timeline_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/timeline"
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
		_, _, _ = timeline.ReadDay(bytes.NewReader(file)) // an error is an answer
	})
}

// FuzzHourRecords: whatever the records say whose packing is whole, no fragment comes of them that an archive could not
// have listed.
func FuzzHourRecords(f *testing.F) {
	f.Add(`[{"hour":1704103200,"asked":"2024-01-01T11:02:00Z","fragments":[{"id":"1","p":1704103200000,"s":1704103200250,"l":1796,"n":1000}]}]`)
	f.Add(`[{"hour":3600,"forgotten":true}]`)
	f.Fuzz(func(t *testing.T, text string) {
		fragments, _, _ := timeline.ReadDay(bytes.NewReader(packed(t, text))) // an error is an answer
		for _, fragment := range fragments {
			if fragment.ID == "" || fragment.Size < 0 || fragment.Length < 0 || fragment.Length > 24*time.Hour ||
				fragment.Producer.Year() < 1970 || fragment.Producer.Year() > 9999 {
				t.Errorf("got fragment %+v, which cannot be", fragment)
			}
		}
	})
}

// TestRecordsThatCannotBe: a file of remembered hours that is whole but says what cannot be is not believed.
func TestRecordsThatCannotBe(t *testing.T) {
	good := `{"id":"1","p":1704103200000,"s":1704103200250,"l":1796,"n":1000}`
	if fragments, _, err := timeline.ReadDay(bytes.NewReader(packed(t, `[{"hour":1704103200,"fragments":[`+good+`]}]`))); err != nil || len(fragments) != 1 {
		t.Fatalf("%d fragments, %v", len(fragments), err)
	}
	for _, bad := range []string{
		`{}`, `{"id":"1","p":-1,"s":1,"l":1,"n":1}`, `{"id":"1","p":1,"s":-1,"l":1,"n":1}`, `{"id":"1","p":1,"s":1,"l":-1,"n":1}`,
		`{"id":"1","p":1,"s":1,"l":1,"n":-1}`, `{"id":"1","p":9000000000000000000,"s":1,"l":1,"n":1}`, `{"id":"1","p":1,"s":1,"l":9000000000000,"n":1}`,
	} {
		text := fmt.Sprintf(`[{"hour":1704103200,"fragments":[%s,%s]}]`, good, bad)
		if fragments, _, err := timeline.ReadDay(bytes.NewReader(packed(t, text))); err == nil || len(fragments) > 0 {
			t.Errorf("%s: %d fragments, %v", bad, len(fragments), err)
		}
	}
}

// BenchmarkHours keeps a day of fragments of two seconds, and reads it.
func BenchmarkHours(b *testing.B) {
	m := memory.New()
	m.Record("cam", memory.Base(), 43_200, 2*time.Second)
	for b.Loop() {
		dir := b.TempDir()
		for range 2 {
			if _, err := list(b.Context(), timeline.New(m, timeline.Options{Dir: dir}), archive.NewSpan(memory.Base(), 24*time.Hour)); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// TestHourStoreIsBounded: remembered hours take no more of the disk than they may, while they are written too; what was
// written last is kept.
func TestHourStoreIsBounded(t *testing.T) {
	const most, every = 20_000, 2_000
	dir := t.TempDir()
	timeline.PutHours(dir, 1000, most, every)
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

// list gives what a timeline tells of a span.
func list(ctx context.Context, tl *timeline.Timeline, span archive.Span) (timeline.Listing, error) {
	v, err := tl.View(ctx, "cam", span.End)
	if err != nil {
		return timeline.Listing{}, err
	}
	return tl.List(ctx, v, span)
}

// TestHourWithoutEnd: an hour of more fragments than can be is refused, and what was listed is not kept.
func TestHourWithoutEnd(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 100_001, time.Millisecond)
	tl := timeline.New(m, timeline.Options{Dir: t.TempDir()})
	if _, err := list(t.Context(), tl, archive.NewSpan(memory.Base(), time.Hour)); !errors.Is(err, archive.ErrTooBig) {
		t.Errorf("got %v, want ErrTooBig", err)
	}
	if fragments, hours := timeline.Held(tl); fragments != 0 || hours != 0 {
		t.Errorf("%d fragments of %d hours are kept", fragments, hours)
	}
}

// TestTimelineIsBounded: however much is listed, only so much of it stays in memory.
func TestTimelineIsBounded(t *testing.T) {
	m := memory.New()
	const hours = 130
	m.Record("cam", memory.Base(), hours*3600/2, 2*time.Second)
	tl := timeline.New(m, timeline.Options{})
	look := func(hour int) {
		t.Helper()
		listed, err := list(t.Context(), tl, archive.NewSpan(memory.Base().Add(time.Duration(hour)*time.Hour), time.Minute))
		if err != nil || len(listed.Fragments) != 30 {
			t.Fatalf("hour %d: %d fragments, %v; want 30", hour, len(listed.Fragments), err)
		}
	}
	for hour := range hours {
		look(hour)
	}
	fragments, held := timeline.Held(tl)
	if fragments > 200_000 || held < 100 {
		t.Errorf("%d fragments of %d hours are held; want at most 200,000, and the hours last used", fragments, held)
	}
	_, before, _ := m.Calls()
	look(hours - 1)
	if _, after, _ := m.Calls(); after != before {
		t.Error("the hour last used is not held")
	}
}
