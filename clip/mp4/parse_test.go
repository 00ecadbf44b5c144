package mp4_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/mp4test"

	"github.com/google/go-cmp/cmp"
)

// TestTables reads tables in forms that our writer does not write.
func TestTables(t *testing.T) {
	samples := []mp4.Sample{
		{DTS: 0, Offset: 4, Duration: 10, Size: 5, Position: 100},
		{DTS: 10, Offset: 4, Duration: 10, Size: 6, Position: 105, Sync: true},
		{DTS: 20, Offset: 4, Duration: 20, Size: 7, Position: 200},
	}
	for _, c := range []struct {
		name string
		turn func(mp4test.Tables)
		want func([]mp4.Sample)
	}{
		{"as they are", func(mp4test.Tables) {}, func([]mp4.Sample) {}},
		{"no ctts", func(l mp4test.Tables) { delete(l, "ctts") }, func(w []mp4.Sample) { w[0].Offset, w[1].Offset, w[2].Offset = 0, 0, 0 }},
		{"no stss", func(l mp4test.Tables) { delete(l, "stss") }, func(w []mp4.Sample) { w[0].Sync, w[2].Sync = true, true }},
		{"empty stss", func(l mp4test.Tables) { l["stss"] = mp4test.Words(0, 0) }, func(w []mp4.Sample) { w[1].Sync = false }},
		{"empty runs", func(l mp4test.Tables) { l["stts"] = mp4test.Words(0, 4, 0, 9, 2, 10, 0, 8, 1, 20) }, func([]mp4.Sample) {}},
		{"negative offsets", func(l mp4test.Tables) { l["ctts"] = mp4test.Words(1<<24, 2, 2, math.MaxUint32-1, 1, 4) },
			func(w []mp4.Sample) { w[0].Offset, w[1].Offset = -2, -2 }},
		{"constant size", func(l mp4test.Tables) { l["stsz"] = mp4test.Words(0, 5, 3) },
			func(w []mp4.Sample) { w[1].Size, w[2].Size = 5, 5 }},
		{"sizes of 16 bits", func(l mp4test.Tables) {
			delete(l, "stsz")
			l["stz2"] = mp4test.Words(0, 16, 3) + "\x00\x05\x00\x06\x00\x07"
		},
			func([]mp4.Sample) {}},
		{"sizes of 8 bits", func(l mp4test.Tables) { delete(l, "stsz"); l["stz2"] = mp4test.Words(0, 8, 3) + "\x05\x06\x07" },
			func([]mp4.Sample) {}},
		{"sizes of 4 bits", func(l mp4test.Tables) { delete(l, "stsz"); l["stz2"] = mp4test.Words(0, 4, 3) + "\x56\x70" },
			func([]mp4.Sample) {}},
		{"wide offsets", func(l mp4test.Tables) { delete(l, "stco"); l["co64"] = mp4test.Words(0, 2, 1, 100, 0, 200) },
			func(w []mp4.Sample) { w[0].Position += 1 << 32; w[1].Position += 1 << 32 }},
	} {
		list, want := mp4test.Fits(), append([]mp4.Sample(nil), samples...)
		c.turn(list)
		c.want(want)
		m, err := mp4.ParseMovie(mp4test.MovieOf(list))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(want, mp4test.Samples(t, m.Tracks[0])); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestTablesDisagree checks that tables which parse but do not agree are refused before a sample is given.
func TestTablesDisagree(t *testing.T) {
	for _, c := range []struct {
		name, kind, body string
	}{
		{"stts of fewer", "stts", mp4test.Words(0, 1, 2, 10)},
		{"stts of more", "stts", mp4test.Words(0, 1, 4, 10)},
		{"stts beyond 63 bits", "stts", mp4test.Words(0, 3, 1<<31, 1<<31, 1<<31, 1<<31, 1<<31, 1<<31)},
		{"stts beyond 64 bits", "stts", mp4test.Words(0, 2, math.MaxUint32, math.MaxUint32, math.MaxUint32, math.MaxUint32)},
		{"no stts", "stts", mp4test.Words(0, 0)},
		{"ctts of fewer", "ctts", mp4test.Words(0, 1, 2, 4)},
		{"ctts of more", "ctts", mp4test.Words(0, 1, math.MaxUint32, 4)},
		{"stss beyond the end", "stss", mp4test.Words(0, 1, 4)},
		{"stss 0", "stss", mp4test.Words(0, 1, 0)},
		{"stss falls", "stss", mp4test.Words(0, 2, 2, 1)},
		{"stsz of more", "stsz", mp4test.Words(0, 5, math.MaxUint32)},
		{"stsz of fewer", "stsz", mp4test.Words(0, 0, 2, 5, 6)},
		{"stsc begins late", "stsc", mp4test.Words(0, 1, 2, 2, 1)},
		{"stsc falls", "stsc", mp4test.Words(0, 2, 1, 2, 1, 1, 1, 1)},
		{"stsc beyond the end", "stsc", mp4test.Words(0, 2, 1, 2, 1, 3, 1, 1)},
		{"stsc empty", "stsc", mp4test.Words(0, 0)},
		{"stsc of no samples", "stsc", mp4test.Words(0, 1, 1, 0, 1)},
		{"stsc of more", "stsc", mp4test.Words(0, 1, 1, math.MaxUint32, 1)},
		{"stsc of no entry", "stsc", mp4test.Words(0, 2, 1, 2, 1, 2, 1, 2)},
		{"stsc of entry 0", "stsc", mp4test.Words(0, 2, 1, 2, 0, 2, 1, 1)},
		{"stco of one", "stco", mp4test.Words(0, 1, 100)},
		{"stco of none", "stco", mp4test.Words(0, 0)},
	} {
		list := mp4test.Fits()
		list[c.kind] = c.body
		m, err := mp4.ParseMovie(mp4test.MovieOf(list))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		refuse(t, c.name, m)
	}
}

// refuse checks that a movie's only track gives an error and nothing else.
func refuse(t *testing.T, name string, m *mp4.Movie) {
	t.Helper()
	for s, err := range m.Tracks[0].Samples() {
		if !errors.Is(err, mp4.ErrMalformed) {
			t.Errorf("%s: got sample %+v, %v, want %v", name, s, err, mp4.ErrMalformed)
			break
		}
	}
	if _, err := m.MediaEnd(); !errors.Is(err, mp4.ErrMalformed) {
		t.Errorf("%s: media end: got %v, want %v", name, err, mp4.ErrMalformed)
	}
}

// TestChunkOverflow checks that chunks which end beyond 63 bits are refused.
func TestChunkOverflow(t *testing.T) {
	for _, c := range []struct {
		name string
		turn func(mp4test.Tables)
	}{
		{"position", func(l mp4test.Tables) {
			delete(l, "stco")
			l["co64"] = mp4test.Words(0, 2, math.MaxInt32, math.MaxUint32-5, 0, 200)
		}},
		{"size", func(l mp4test.Tables) {
			l["stts"], l["stsz"] = mp4test.Words(0, 1, math.MaxUint32, 1), mp4test.Words(0, math.MaxUint32, math.MaxUint32)
			l["stsc"], l["stco"] = mp4test.Words(0, 1, 1, math.MaxUint32, 1), mp4test.Words(0, 1, 100)
			delete(l, "ctts")
			delete(l, "stss")
		}},
	} {
		list := mp4test.Fits()
		c.turn(list)
		m, err := mp4.ParseMovie(mp4test.MovieOf(list))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		refuse(t, c.name, m)
	}
}

// TestManySamples reads 4 billion samples by the chunk, from a few bytes, without going over them.
func TestManySamples(t *testing.T) {
	const n = math.MaxUint32
	list := mp4test.Fits()
	list["stts"], list["stsz"] = mp4test.Words(0, 1, n, 1), mp4test.Words(0, 2, n)
	list["stsc"], list["stco"] = mp4test.Words(0, 2, 1, 5, 1, 2, n-5, 1), mp4test.Words(0, 2, 100, 200)
	delete(list, "ctts")
	delete(list, "stss")
	m, err := mp4.ParseMovie(mp4test.MovieOf(list))
	if err != nil {
		t.Fatal(err)
	}
	want := []mp4.Chunk{
		{Position: 100, Size: 10, First: 0, Samples: 5, DTS: 0, Duration: 5},
		{Position: 200, Size: 2 * (n - 5), First: 5, Samples: n - 5, DTS: 5, Duration: n - 5},
	}
	if diff := cmp.Diff(want, mp4test.Chunks(t, m.Tracks[0])); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	seen := 0
	for s, err := range m.Tracks[0].Samples() {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 7 {
			if want := (mp4.Sample{DTS: 6, Duration: 1, Size: 2, Position: 202, Sync: true}); s != want {
				t.Errorf("sample 7: got %+v, want %+v", s, want)
			}
			break
		}
	}
}

// TestParseRefuses checks boxes that are broken in themselves, counts that claim more than there is among them.
func TestParseRefuses(t *testing.T) {
	const n = math.MaxUint32
	for _, c := range []struct{ name, kind, body string }{
		{"stsd cut", "stsd", mp4test.Words(0)},
		{"stsd claims more", "stsd", mp4test.Words(0, n) + mp4test.Box("alaw", strings.Repeat("\x00", 28))},
		{"stsd entry cut", "stsd", mp4test.Words(0, 1) + mp4test.Box("alaw", strings.Repeat("\x00", 27))},
		{"stsd entry too long", "stsd", mp4test.Words(0, 1, 1000) + "alaw"},
		{"stts claims more", "stts", mp4test.Words(0, n, 1, 1)},
		{"stts cut", "stts", mp4test.Words(0)},
		{"ctts claims more", "ctts", mp4test.Words(0, n, 1, 1)},
		{"stss claims more", "stss", mp4test.Words(0, 1<<30, 1)},
		{"stsz claims more", "stsz", mp4test.Words(0, 0, n, 1)},
		{"stsz cut", "stsz", mp4test.Words(0, 7)},
		{"stz2 of 5 bits", "stz2", mp4test.Words(0, 5, 1, 1)},
		{"stz2 claims more", "stz2", mp4test.Words(0, 4, 9, 1)},
		{"stsz and stz2", "stz2", mp4test.Words(0, 8, 0)},
		{"stsc claims more", "stsc", mp4test.Words(0, n, 1, 1, 1)},
		{"stco claims more", "stco", mp4test.Words(0, n, 1)},
		{"stco and co64", "co64", mp4test.Words(0, 0)},
		{"co64 beyond 63 bits", "co64", mp4test.Words(0, 1, 1<<31, 0)},
	} {
		list := mp4test.Fits()
		list[c.kind] = c.body
		if strings.HasPrefix(c.kind, "co64") && c.name != "stco and co64" {
			delete(list, "stco")
		}
		moov := mp4test.MovieOf(list)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := mp4.ParseMovie(moov); !errors.Is(err, mp4.ErrMalformed) {
			t.Errorf("%s: got %v, want %v", c.name, err, mp4.ErrMalformed)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
			t.Errorf("%s: %d bytes allocated for %d read", c.name, got, len(moov))
		}
	}
}

// TestParseCut parses every beginning of a movie, patched so that its own size fits: an error at most, never a panic.
func TestParseCut(t *testing.T) {
	whole := mp4test.MovieOf(mp4test.Fits())
	if _, err := mp4.ParseMovie(whole); err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		cut := bytes.Clone(whole[:n])
		if n >= 8 {
			binary.BigEndian.PutUint32(cut, uint32(n))
		}
		m, err := mp4.ParseMovie(cut)
		if err == nil && len(m.Tracks) == 0 {
			continue // what is left is a movie without tracks
		}
		if !errors.Is(err, mp4.ErrMalformed) {
			t.Errorf("first %d bytes: got %v, want %v", n, err, mp4.ErrMalformed)
		}
	}
}

// TestSampleEntries reads entries in QuickTime's forms and descriptors with all their options.
func TestSampleEntries(t *testing.T) {
	config := "\x12\x10"
	esds := func(body string) string { return mp4test.Box("esds", "\x00\x00\x00\x00"+body) }
	inner := "\x04\x11" + strings.Repeat("\x00", 13) + "\x05\x02" + config
	plain := esds("\x03\x16\x00\x00\x00" + inner)
	long := esds("\x03\x80\x80\x80\x20\x00\x00\xe0\x00\x07\x03url\x00\x00" + inner + "\x06\x01\x02")
	fields := func(version byte) string {
		return "\x00\x00\x00\x00\x00\x00\x00\x01\x00" + string(version) + "\x00\x00\x00\x00\x00\x00" +
			"\x00\x02\x00\x10\x00\x00\x00\x00\xac\x44\x00\x00"
	}
	for _, c := range []struct {
		name, stsd string
		fails      bool
	}{
		{"plain", mp4test.Words(0, 1) + mp4test.Box("mp4a", fields(0)+plain), false},
		{"options", mp4test.Words(0, 1) + mp4test.Box("mp4a", fields(0)+long), false},
		{"behind others", mp4test.Words(0, 1) + mp4test.Box("mp4a", fields(0)+mp4test.Box("chan", "1234")+plain), false},
		{"quicktime 1, in wave", mp4test.Words(0, 1) + mp4test.Box("mp4a", fields(1)+strings.Repeat("\x00", 16)+
			mp4test.Box("wave", mp4test.Box("frma", "mp4a")+plain+"\x00\x00\x00\x08\x00\x00\x00\x00")), false},
		{"quicktime 2", mp4test.Words(0, 1) + mp4test.Box("mp4a", fields(2)+strings.Repeat("\x00", 36)+plain), false},
		{"iso version 1", mp4test.Words(1<<24, 1) + mp4test.Box("mp4a", fields(1)+plain), false},
		{"none", mp4test.Words(0, 1) + mp4test.Box("mp4a", fields(0)), true},
		{"cut", mp4test.Words(0, 1) + mp4test.Box("mp4a", fields(0)+esds("\x03\x16\x00\x00\x00\x04\x11")), true},
		{"length without end", mp4test.Words(0, 1) + mp4test.Box("mp4a", fields(0)+esds("\x03\xff\xff\xff\xff\xff")), true},
		{"no decoder", mp4test.Words(0, 1) + mp4test.Box("mp4a", fields(0)+esds("\x06\x01\x02")), true},
	} {
		list := mp4test.Fits()
		list["stsd"] = c.stsd
		m, err := mp4.ParseMovie(mp4test.MovieOf(list))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		e := m.Tracks[0].Entries[0]
		if e.Type != mp4.CodingMP4A || e.Channels != 2 || e.Rate != 44100 {
			t.Errorf("%s: entry %+v", c.name, e)
		}
		got, err := e.AudioSpecificConfig()
		if c.fails != errors.Is(err, mp4.ErrMalformed) || !c.fails && string(got) != config {
			t.Errorf("%s: got % x, %v, want % x, failing %t", c.name, got, err, config, c.fails)
		}
	}
}

// TestEdits reads edit lists of both versions, one of which has a rate of 0.
func TestEdits(t *testing.T) {
	for _, edits := range [][]mp4.Edit{
		{{Duration: 5, MediaTime: -1, Rate: mp4.EditRate}, {Duration: 7, MediaTime: 3, Rate: mp4.EditRate}},
		{{Duration: 1 << 33, MediaTime: 1, Rate: mp4.EditRate}, {Duration: 1, MediaTime: -1, Rate: 0}},
		{{Duration: 1, MediaTime: 1 << 31, Rate: mp4.EditRate}},
	} {
		out := mp4test.Small(mp4test.Fixed())
		out.Tracks[0].Edits = nil
		for _, e := range edits {
			out.Tracks[0].Edits = append(out.Tracks[0].Edits, isom.Edit{Duration: e.Duration, MediaTime: e.MediaTime})
		}
		file := mp4test.Build(t, out)
		if last := edits[len(edits)-1]; last.Rate == 0 { // 64-bit entries end with the rate
			clear(file[bytes.Index(file, []byte("elst")):][12+20*len(edits)-4:][:4])
		}
		m := mp4test.Parse(t, bytes.NewReader(file))
		if diff := cmp.Diff(edits, m.Tracks[0].Edits); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		var want uint64
		for _, e := range edits {
			want += e.Duration
		}
		if got := m.Tracks[0].Duration; got != want {
			t.Errorf("duration %d, want %d", got, want)
		}
	}
}
