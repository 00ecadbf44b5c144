package tree_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/fs/tree"
)

const at = "door/1999-12-31T20:00/"

// TestForms: of each form the size is what was announced, an estimate is on the high side, and a second look gives the same
// version.
func TestForms(t *testing.T) {
	entries := newTree(t, recorded(), clip.Options{}, tree.Options{})
	for _, name := range []string{"1m.mp4", "1m.cover.mp4", "1m.json", "1m.times.json", "1m.svg", "1m.srt", "1m.vtt", "1m.m3u8", "6s.pts12.ts"} {
		f := file(t, entries, at+name)
		announced, exact := f.Size()
		b, err := read(t, f)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if size, now := f.Size(); !now || size != int64(len(b)) || exact && announced != size || announced < size {
			t.Errorf("%s: %d bytes announced, exact %t; %d read; %d now, exact %t", name, announced, exact, len(b), size, now)
		}
		if strings.HasSuffix(name, ".json") && !json.Valid(b) {
			t.Errorf("%s is no JSON: %s", name, b)
		}
		if again := file(t, entries, at+name); again.Version != f.Version || again.Version == "" {
			t.Errorf("%s: version %q, then %q", name, f.Version, again.Version)
		}
		if stored := f.Stored(); stored <= 0 {
			t.Errorf("%s: %d bytes stored", name, stored)
		}
	}
}

// TestChangedFootage: another look gives the version that there is now; the outdated one stays what it was or is
// ErrChanged.
func TestChangedFootage(t *testing.T) {
	for _, name := range []string{"1m.mp4", "1m.json", "1m.times.json", "1m.svg", "1m.srt", "1m.vtt", "1m.m3u8", "6s.pts12.ts"} {
		a := recorded()
		entries := newTree(t, a, clip.Options{MetadataTTL: time.Nanosecond}, tree.Options{})
		f := file(t, entries, at+name)
		a.Change(func() { a.Recorded["door"] = a.Recorded["door"][1:] })
		a.Upload("door", memory.Base().Add(5*time.Second), 1, 2*time.Second, time.Now())
		time.Sleep(time.Millisecond) // so that the next look is after it
		newer := file(t, entries, at+name)
		if newer.Version == f.Version {
			t.Errorf("%s: same version of other footage", name)
		}
		if _, err := read(t, f); err != nil && !errors.Is(err, archive.ErrChanged) {
			t.Errorf("%s: outdated, opened: %v, want %v", name, err, archive.ErrChanged)
		}
		if _, err := read(t, newer); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestClipAttributes: which attributes clips and their forms have.
func TestClipAttributes(t *testing.T) {
	entries := newTree(t, recorded(), clip.Options{}, tree.Options{})
	for _, name := range []string{"1m.mp4", "1m.times.json"} {
		f := file(t, entries, at+name)
		for attr, want := range map[string]string{
			"stream": "door", "start": "1999-12-31T20:00:00.000Z", "end": "1999-12-31T20:01:00.000Z",
			"first": "1999-12-31T20:00:00.000Z", "fragments": "6", "size": "estimate", "error": "", "note": "",
		} {
			if got, ok := attribute(t, f, attr); got != want || ok != (want != "") {
				t.Errorf("%s of %s: %q, want %q", attr, name, got, want)
			}
		}
		if got, _ := attribute(t, f, "missing"); name == "1m.mp4" && got != "24000" {
			t.Errorf("missing of %s: %q, want all", name, got)
		}
		if _, err := read(t, f); err != nil {
			t.Fatal(err)
		}
		for attr, want := range map[string]string{"size": "exact", "missing": "0"} {
			got, _ := attribute(t, f, attr)
			for deadline := time.Now().Add(5 * time.Second); got != want && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond) // the last bytes are served before the entry is whole on disk
				got, _ = attribute(t, f, attr)
			}
			if got != want {
				t.Errorf("%s of %s once it was read: %q, want %q", attr, name, got, want)
			}
		}
	}
	if got := file(t, entries, at+"1m.json").Attributes(); len(got) != 0 {
		t.Errorf("the sidecar has %v", got)
	}
}

// TestDirAttributes: what directories tell of their footage, and which of it they list.
func TestDirAttributes(t *testing.T) {
	entries := newTree(t, recorded(), clip.Options{}, tree.Options{})
	for _, test := range []struct {
		path, listed, first, last string
		footage                   bool
	}{
		{"", "", "", "", false},
		{"door/last", "", "", "", false},
		{"door", "first last", "1999-12-31T20:00:00.000Z", "1999-12-31T21:59:50.000Z", false},
		{"door/1999-12-31T20", "first last footage", "1999-12-31T20:00:00.000Z", "1999-12-31T20:59:50.000Z", true},
		{"door/1999-12-31T10", "first last footage", "", "", false},
		{"dark", "first last", "", "", false},
	} {
		e, _, err := entries.Walk(t.Context(), test.path)
		if err != nil {
			t.Fatal(err)
		}
		var listed []string
		for _, a := range e.About().Attributes() {
			if !a.Unlisted {
				listed = append(listed, a.Name)
			}
		}
		if got := strings.Join(listed, " "); got != test.listed {
			t.Errorf("%q lists attributes %q, want %q", test.path, got, test.listed)
		}
		first, _ := attribute(t, e, "first")
		last, _ := attribute(t, e, "last")
		_, footage := attribute(t, e, "footage")
		if first != test.first || last != test.last || footage != test.footage {
			t.Errorf("%q: %q to %q, footage %t; want %q to %q, %t", test.path, first, last, footage, test.first, test.last, test.footage)
		}
		if slices.Contains(listed, "error") {
			t.Errorf("%q lists its error", test.path)
		}
	}
}

// TestMeasure: measuring a file makes its size exact, costs what opening costs, and is told once a directory.
func TestMeasure(t *testing.T) {
	a := recorded()
	var log bytes.Buffer
	entries := newTree(t, a, clip.Options{}, tree.Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Status: func() ([]byte, error) { return []byte("x"), nil }})
	for _, path := range []string{at + "1m.mp4", at + "1m.json", ".clipfs/status.json", at + "1m.mp4"} {
		f := file(t, entries, path)
		if err := entries.Measure(t.Context(), f); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		size, exact := f.Size()
		b, err := read(t, f)
		if !exact || err != nil || size != int64(len(b)) {
			t.Errorf("%s: size %d, exact %t, %d read, %v", path, size, exact, len(b), err)
		}
	}
	if payloads, _, _ := a.Calls(); payloads != 1 {
		t.Errorf("%d GetClip calls, want one", payloads)
	}
	if got := strings.Count(log.String(), "exact sizes fetched"); got > 1 {
		t.Errorf("told %d times of one bill", got)
	}
	a.RefusePayload = func(int) error { return archive.ErrDenied }
	if err := entries.Measure(t.Context(), file(t, entries, at+"5m.mp4")); !errors.Is(err, archive.ErrDenied) {
		t.Errorf("refused: %v", err)
	}
}

// TestStatus: each look is a snapshot, of the same bytes whenever it is opened.
func TestStatus(t *testing.T) {
	n := byte('0')
	entries := newTree(t, recorded(), clip.Options{}, tree.Options{Status: func() ([]byte, error) { n++; return []byte{n}, nil }})
	first, second := file(t, entries, ".clipfs/status.json"), file(t, entries, ".clipfs/status.json")
	for f, want := range map[*tree.File]string{first: "1", second: "2"} {
		if b, err := read(t, f); err != nil || string(b) != want {
			t.Errorf("read %q, %v, want %q", b, err, want)
		}
	}
	if first.Version == second.Version || !first.Private || len(first.Attributes()) != 0 {
		t.Errorf("versions %q and %q, private %t, attributes %v", first.Version, second.Version, first.Private, first.Attributes())
	}
	failing := newTree(t, recorded(), clip.Options{}, tree.Options{Status: func() ([]byte, error) { return nil, io.ErrNoProgress }})
	if _, _, err := failing.Walk(t.Context(), ".clipfs/status.json"); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v", err)
	}
}

// TestText reads as io.ReaderAt does.
func TestText(t *testing.T) {
	text := tree.Text("0123456789")
	for _, test := range []struct {
		off, n int64
		want   string
		err    error
	}{{0, 10, "0123456789", nil}, {3, 4, "3456", nil}, {8, 4, "89", io.EOF}, {10, 1, "", io.EOF}, {11, 1, "", io.EOF}} {
		b := make([]byte, test.n)
		n, err := text.ReadAt(t.Context(), b, test.off)
		if string(b[:n]) != test.want || !errors.Is(err, test.err) {
			t.Errorf("%d bytes at %d: %q, %v; want %q, %v", test.n, test.off, b[:n], err, test.want, test.err)
		}
	}
	if text.Size() != 10 || !text.Complete() || text.Close() != nil {
		t.Error("a text is not complete, or of another size")
	}
}
