package tree_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/names"
	"clipfs/fs/tree"
)

// TestWalk: what paths name, at which cost of media: none.
func TestWalk(t *testing.T) {
	a := recorded()
	entries := newTree(t, a, clip.Options{}, tree.Options{Status: func() ([]byte, error) { return []byte("{}\n"), nil }})
	base := memory.Base()
	end := base.Add(2 * time.Hour).Add(-10 * time.Second)
	for _, test := range []struct {
		path, want string
		at         time.Time // zero is any
	}{
		{"", "dir", time.Time{}},
		{"/", "dir", time.Time{}},
		{"door", "dir", time.Time{}},
		{"/door/", "dir", time.Time{}},
		{"dark", "dir", time.Time{}},
		{"door/1999-12-31", "dir", base.Truncate(24 * time.Hour)},
		{"door/1999-12-31/1999-12-31T20", "dir", base},
		{"door/1999-12-31/1999-12-31T20/1999-12-31T20:07", "dir", base.Add(7 * time.Minute)},
		{"door/1999-12-31T20:07:30.5", "dir", base.Add(7*time.Minute + 30*time.Second + 500*time.Millisecond)},
		{"door/19991231T2007Z", "dir", base.Add(7 * time.Minute)},
		{"door/1970-01-01", "dir", time.Unix(0, 0)},
		{"door/latest", "link 1999-12-31T21:59 ", end},
		{"door/latest/5m.mp4", "link 1999-12-31T21:59 5m.mp4", end},
		{"door/last", "dir", time.Time{}},
		{"door/last/5m.mp4", "video/mp4 estimate", time.Time{}},
		{"door/last/5m.json", "application/json exact", time.Time{}},
		{"door/1999-12-31T20:00/10m.mp4", "video/mp4 estimate", base.Add(10 * time.Minute)},
		{"door/1999-12-31T20:00/1999-12-31T20:10.mp4", "video/mp4 estimate", base.Add(10 * time.Minute)},
		{"door/1999-12-31T20:00/90s.cover.mp4", "video/mp4 estimate", base.Add(90 * time.Second)},
		{"door/1999-12-31T20:00/10m.json", "application/json exact", base.Add(10 * time.Minute)},
		{"door/1999-12-31T20:00/10m.times.json", "application/json estimate", base.Add(10 * time.Minute)},
		{"door/1999-12-31T20:00/10m.svg", "image/svg+xml exact", base.Add(10 * time.Minute)},
		{"door/1999-12-31T20:00/10m.srt", "application/x-subrip exact", base.Add(10 * time.Minute)},
		{"door/1999-12-31T20:00/10m.cover.vtt", "text/vtt exact", base.Add(10 * time.Minute)},
		{"door/1999-12-31/runs", "dir", base.Truncate(24 * time.Hour)},
		{"door/1999-12-31/runs/1999-12-31T20:00:00.000-10m.mp4", "video/mp4 estimate", base.Add(10 * time.Minute)},
		{"door/1999-12-31/runs/19991231T2000-10m.json", "application/json exact", base.Add(10 * time.Minute)},
		{"door/1999-12-31T20:00/10m.m3u8", "application/vnd.apple.mpegurl exact", base.Add(10 * time.Minute)},
		{"door/1999-12-31/24h.m3u8", "application/vnd.apple.mpegurl exact", base.Truncate(24 * time.Hour).Add(24 * time.Hour)},
		{"door/1999-12-31/1999-12-31T20/1h.m3u8", "application/vnd.apple.mpegurl exact", base.Add(time.Hour)},
		{"door/live.m3u8", "application/vnd.apple.mpegurl exact", base.Add(2 * time.Hour)},
		{"door/last/5m.m3u8", "application/vnd.apple.mpegurl exact", time.Time{}},
		{"door/1999-12-31T20:00/6s.pts123.ts", "video/mp2t estimate", base.Add(6 * time.Second)},
		{"door/19991231T200000Z/6s.ts", "video/mp2t estimate", base.Add(6 * time.Second)},
		{"door/last/5m.svg", "image/svg+xml exact", time.Time{}},
		{"door/1999-12-31/24h.svg", "image/svg+xml exact", base.Truncate(24 * time.Hour).Add(24 * time.Hour)},
		{"door/1999-12-31/1999-12-31T20/1h.mp4", "video/mp4 estimate", base.Add(time.Hour)},
		{"@", "dir", time.Time{}},
		{"@/1999-12-31T20:00", "dir", base},
		{"@/1999-12-31T20:00/10m", "dir", base.Add(10 * time.Minute)},
		{"@/19991231T2000Z/90s/door.mp4", "link ../../../door/19991231T2000Z/90s.mp4 ", base.Add(90 * time.Second)},
		{"@/1999-12-31T20:00/1999-12-31T20:10/door.mp4", "link ../../../door/1999-12-31T20:00/1999-12-31T20:10.mp4 ", base.Add(10 * time.Minute)},
		{".clipfs", "dir", time.Time{}},
		{".clipfs/status.json", "application/json exact private", time.Time{}},
	} {
		e, rest, err := entries.Walk(t.Context(), test.path)
		if err != nil {
			t.Errorf("%q: %v", test.path, err)
			continue
		}
		if got := describe(e, rest); got != test.want {
			t.Errorf("%q is %q, want %q", test.path, got, test.want)
		}
		if got := e.About().Time; !test.at.IsZero() && !got.Equal(test.at) {
			t.Errorf("%q is of %s, want %s", test.path, got, test.at)
		}
		if got := e.About().Path; rest == "" && got != strings.Trim(test.path, "/") {
			t.Errorf("%q calls itself %q", test.path, got)
		}
	}
	if payloads, _, _ := a.Calls(); payloads != 0 {
		t.Errorf("%d GetClip calls, want none", payloads)
	}
}

// describe says what an entry is.
func describe(e tree.Entry, rest string) string {
	switch e := e.(type) {
	case *tree.Dir:
		return "dir"
	case *tree.Link:
		return "link " + e.Target + " " + rest
	case *tree.File:
		size := "estimate"
		if _, exact := e.Size(); exact {
			size = "exact"
		}
		if e.Private {
			size += " private"
		}
		return e.ContentType + " " + size
	}
	return fmt.Sprint(e)
}

// TestWalkErrors: what is not there, and which of it asks the archive.
func TestWalkErrors(t *testing.T) {
	a := recorded()
	entries := newTree(t, a, clip.Options{}, tree.Options{})
	for _, test := range []struct {
		path string
		want error
		asks bool
	}{
		{"no such", archive.ErrName, false},
		{"..", archive.ErrName, false},
		{".", archive.ErrName, false},
		{"door\x00", archive.ErrName, false},
		{".clipfs", archive.ErrNoStream, true}, // a name like any other without Options.Status
		{"gate", archive.ErrNoStream, true},
		{"door//last", archive.ErrName, false},
		{"door/..", archive.ErrName, false},
		{"door/10m.mp4", archive.ErrName, false},
		{"door/yesterday", archive.ErrName, false},
		{"door/last/25h.mp4", archive.ErrName, false},
		{"door/last/1999-12-31T20", archive.ErrName, false},
		{"door/1999-12-31T20:00/10m.mkv", archive.ErrName, false},
		{"door/1999-12-31T20:00/1999-12-31T21:05", archive.ErrName, false},
		{"door/1999-12-31T20:00/1999-12-31T19:00.mp4", archive.ErrName, false},
		{"door/1999-12-31T20:00/10m.json/x", archive.ErrName, true},
		{"door/1999-12-31T10:00/10m.mp4", archive.ErrNoFootage, true},
		{"door/1999-12-31T10:00/10m.json", archive.ErrNoFootage, true},
		{"door/1999-12-31T10:00/10m.srt", archive.ErrNoFootage, true},
		{"door/1999-12-31T20:00/10min.vtt", archive.ErrName, false},
		{"door/1999-12-31T20/runs", archive.ErrName, false},
		{"door/1999-12-30/runs/1999-12-31T20:00:00.000-10m.mp4", archive.ErrName, false},
		{"door/1999-12-31/runs/1999-12-31T20:00:00.000-10min.mp4", archive.ErrName, false},
		{"door/1999-12-31/runs/1999-12-31T10:00-10m.mp4", archive.ErrNoFootage, true},
		{"@/yesterday", archive.ErrName, false},
		{"@/1999-12-31T20:00/10min", archive.ErrName, false},
		{"@/1999-12-31T20:00/10m.mp4", archive.ErrName, false},
		{"@/1999-12-31T20:00/10m.cover", archive.ErrName, false},
		{"@/1999-12-31T20:00/10m/door", archive.ErrName, false},
		{"@/1999-12-31T20:00/10m/door.json", archive.ErrName, false},
		{"@/1999-12-31T20:00/10m/no such.mp4", archive.ErrName, false},
		{"@/1999-12-31T20:00/10m/gate.mp4", archive.ErrNoStream, true},
		{"@/1999-12-31T20:00/10m/dark.mp4", archive.ErrNoFootage, true},
		{"@/1999-12-31T10:00/10m/door.mp4", archive.ErrNoFootage, true},
		{"door/1999-12-30/24h.svg", archive.ErrNoFootage, true},
		{"door/1999-12-31/25h.svg", archive.ErrName, false},
		{"door/1999-12-30/24h.m3u8", archive.ErrNoFootage, true},
		{"door/1999-12-30/6s.ts", archive.ErrNoFootage, true},
		{"door/1999-12-31T20:00/6s.ptsx.ts", archive.ErrName, false},
		{"door/1999-12-31T20:00/6s.cover.ts", archive.ErrName, false},
		{"dark/live.m3u8", archive.ErrNoFootage, true},
		{"dark/latest", archive.ErrNoFootage, true},
		{"dark/last/5m.mp4", archive.ErrNoFootage, true},
	} {
		_, before, _ := a.Calls()
		if _, _, err := entries.Walk(t.Context(), test.path); !errors.Is(err, test.want) {
			t.Errorf("%q: %v, want %v", test.path, err, test.want)
		}
		if _, after, _ := a.Calls(); after != before && !test.asks {
			t.Errorf("%q: %d pages listed, want none", test.path, after-before)
		}
	}
}

// TestList: what directories list, and that all of it resolves.
func TestList(t *testing.T) {
	hours, err := tree.Listed([]string{"hours", "mp4", "json"})
	if err != nil {
		t.Fatal(err)
	}
	named := func(words ...string) names.Listed {
		l, err := tree.Listed(words)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	lengths := "1m.mp4 1m.json 5m.mp4 5m.json 10m.mp4 10m.json 15m.mp4 15m.json 30m.mp4 30m.json 1h.mp4 1h.json"
	for _, test := range []struct {
		path   string
		listed names.Listed
		want   string
	}{
		{"", names.Listed{}, "dark/ door/"},
		{"door", names.Listed{}, "1999-12-31/ last/ latest@"},
		{"door", hours, "1999-12-31/"},
		{"dark", names.Listed{}, ""},
		{"dark/last", names.Listed{}, ""},
		{"dark/1999-12-31T20:00", names.Listed{}, ""},
		{"door/1999-12-31", names.Listed{}, "1999-12-31T20/ 1999-12-31T21/ 24h.svg 24h.m3u8"},
		{"@", names.Listed{}, ""},
		{"@/1999-12-31T20:00", names.Listed{}, "1m/ 5m/ 10m/ 15m/ 30m/ 1h/"},
		{"@/1999-12-31T20:00/10m", names.Listed{}, "door.mp4@"},
		{"@/1999-12-31T10:00/10m", names.Listed{}, ""},
		{"door/1999-12-31", named("runs"), "runs/"},
		{"door/1999-12-30", named("runs"), ""},
		{"door/1999-12-30/runs", names.Listed{}, ""},
		{"door/1999-12-31", named("runs", "hours"), "1999-12-31T20/ 1999-12-31T21/ runs/"},
		{"door/1999-12-31/runs", names.Listed{}, "1999-12-31T20:00:00.000-2h.mp4"},
		{"door/1999-12-31/runs", named("runs", "json", "mp4"), "1999-12-31T20:00:00.000-2h.mp4 1999-12-31T20:00:00.000-2h.json"},
		{"door/1999-12-31", named("mp4", "json"), "1999-12-31T20/ 1999-12-31T21/"},
		{"door/1999-12-31", named("mp4", "svg"), "1999-12-31T20/ 1999-12-31T21/ 24h.svg"},
		{"door/1999-12-31", named("24h", "svg"), "1999-12-31T20/ 1999-12-31T21/ 24h.svg"},
		{"door/1999-12-31", named("days", "svg", "mp4"), "24h.mp4 24h.svg"},
		{"door/1999-12-31", named("mp4", "m3u8"), "1999-12-31T20/ 1999-12-31T21/ 24h.m3u8"},
		{"door/1999-12-31/1999-12-31T20", named("hours", "m3u8"), "1h.m3u8"},
		{"door/1999-12-31/1999-12-31T20/1999-12-31T20:07", named("1m", "m3u8"), "1m.m3u8"},
		{"door/1999-12-31", named("hours", "svg"), "1999-12-31T20/ 1999-12-31T21/"},
		{"door/1999-12-31/1999-12-31T20", named("hours", "svg"), "1h.svg"},
		{"door/1999-12-31/1999-12-31T20/1999-12-31T20:07", named("1m", "svg"), "1m.svg"},
		{"door/1999-12-31/1999-12-31T20/1999-12-31T20:07", named("1m", "10m", "mp4", "srt"), "1m.mp4 1m.srt 10m.mp4 10m.srt"},
		{"door/last", named("vtt"), "1m.vtt 5m.vtt 10m.vtt 15m.vtt 30m.vtt 1h.vtt"},
		{"door/1999-12-31/1999-12-31T20", hours, "1h.mp4 1h.json"},
		{"door/1999-12-31/1999-12-31T20/1999-12-31T20:07", names.Listed{}, lengths},
		{"door/1999-12-31T20:07:30", names.Listed{}, lengths},
		{"door/last", names.Listed{}, lengths},
		{"door/1970-01-01", names.Listed{}, ""},
		{".clipfs", names.Listed{}, "status.json"},
	} {
		a := recorded()
		entries := newTree(t, a, clip.Options{Listed: test.listed}, tree.Options{Status: func() ([]byte, error) { return nil, nil }})
		e, _, err := entries.Walk(t.Context(), test.path)
		if err != nil {
			t.Fatal(err)
		}
		items, err := e.(*tree.Dir).List(t.Context())
		if err != nil {
			t.Errorf("%q: %v", test.path, err)
		}
		marks := map[tree.Kind]string{tree.IsDir: "/", tree.IsLink: "@"}
		var names []string
		for _, item := range items {
			names = append(names, item.Name+marks[item.Kind])
		}
		if test.path == "" {
			slices.Sort(names)
		}
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("%q lists %q, want %q", test.path, got, test.want)
		}
		kinds := 0
		for e, err := range e.(*tree.Dir).Entries(t.Context()) {
			if err != nil {
				t.Errorf("below %q: %v", test.path, err)
				continue
			}
			kinds++
			if got := kindOf(e); kinds <= len(items) && test.path != "" && got != items[kinds-1].Kind {
				t.Errorf("%q is listed as %d and is %d", e.About().Path, items[kinds-1].Kind, got)
			}
		}
		if kinds != len(items) {
			t.Errorf("below %q: %d entries, and %d are listed", test.path, kinds, len(items))
		}
		if payloads, _, _ := a.Calls(); payloads != 0 {
			t.Errorf("%q: %d GetClip calls, want none", test.path, payloads)
		}
	}
}

// kindOf is the kind of an entry.
func kindOf(e tree.Entry) tree.Kind {
	switch e.(type) {
	case *tree.File:
		return tree.IsFile
	case *tree.Link:
		return tree.IsLink
	}
	return tree.IsDir
}

// TestListErrors: a stream that may not be listed lists nothing and says why; what fails for another reason is an error.
func TestListErrors(t *testing.T) {
	for _, test := range []struct {
		refuse, want error
		reason       string
	}{
		{archive.ErrNotListable, nil, "may not be listed"},
		{archive.ErrUnreachable, archive.ErrUnreachable, ""},
	} {
		a := recorded()
		a.RefuseListing = func() error { return test.refuse }
		entries := newTree(t, a, clip.Options{}, tree.Options{})
		e, _, err := entries.Walk(t.Context(), "door")
		if err != nil {
			t.Fatal(err)
		}
		items, err := e.(*tree.Dir).List(t.Context())
		if len(items) != 0 || !errors.Is(err, test.want) {
			t.Errorf("%v: lists %v, %v; want nothing, %v", test.refuse, items, err, test.want)
		}
		for _, path := range []string{"door", "door/1999-12-31"} {
			dir, _, err := entries.Walk(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := attribute(t, dir, "error"); ok != (test.reason != "") || !strings.Contains(got, test.reason) {
				t.Errorf("%v: error of %s is %q, want %q", test.refuse, path, got, test.reason)
			}
		}
	}
	a := recorded()
	a.RefuseStreams = archive.ErrThrottled
	if _, err := newTree(t, a, clip.Options{}, tree.Options{}).Root().List(t.Context()); !errors.Is(err, archive.ErrThrottled) {
		t.Errorf("the streams: %v, want %v", err, archive.ErrThrottled)
	}
}

// TestNamesThatAreNoDirectories: a stream whose name no directory can have is left out, and the log says so once.
func TestNamesThatAreNoDirectories(t *testing.T) {
	a := recorded()
	a.Recorded["a/b"] = nil
	var log bytes.Buffer
	entries := newTree(t, a, clip.Options{}, tree.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 3 {
		items, err := entries.Root().List(t.Context())
		if err != nil || len(items) != 2 {
			t.Errorf("listed %v, %v; want two streams", items, err)
		}
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "a/b") || !strings.Contains(got, "WARN") {
		t.Errorf("log %q, want one warning", got)
	}
}

// TestExplainedNames: the error of a name that is none says the right form, and the log once.
func TestExplainedNames(t *testing.T) {
	var log bytes.Buffer
	entries := newTree(t, recorded(), clip.Options{}, tree.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 2 {
		_, _, err := entries.Walk(t.Context(), "door/last/10min.mp4")
		if err == nil || !strings.Contains(err.Error(), "10m") {
			t.Errorf("error %v does not say the right form", err)
		}
	}
	if _, _, err := entries.Walk(t.Context(), "door/desktop.ini"); !errors.Is(err, archive.ErrName) {
		t.Errorf("desktop.ini: %v", err)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "10min.mp4") {
		t.Errorf("log %q, want one line", got)
	}
}

// TestAFutureStart: it is there, is empty, and its note says why.
func TestAFutureStart(t *testing.T) {
	entries := newTree(t, recorded(), clip.Options{}, tree.Options{})
	path := "door/" + time.Now().Add(48*time.Hour).UTC().Format("2006-01-02T15:04Z")
	e, _, err := entries.Walk(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if items, err := e.(*tree.Dir).List(t.Context()); err != nil || len(items) != 0 {
		t.Errorf("lists %v, %v", items, err)
	}
	if note, _ := attribute(t, e, "note"); !strings.Contains(note, "future") {
		t.Errorf("note %q", note)
	}
	if _, _, err := entries.Walk(t.Context(), path+"/1m.mp4"); !errors.Is(err, archive.ErrNoFootage) {
		t.Errorf("clip in the future: %v", err)
	}
}

// TestValidity: until when names are taken for what they were.
func TestValidity(t *testing.T) {
	entries := newTree(t, recorded(), clip.Options{MetadataTTL: time.Minute}, tree.Options{Status: func() ([]byte, error) { return nil, nil }})
	for path, want := range map[string]time.Duration{
		"door": time.Minute, "door/latest": time.Second, ".clipfs/status.json": 0,
		"door/last": -1, "door/1999-12-31": -1, "door/1999-12-31/1999-12-31T20": -1, ".clipfs": -1,
	} {
		begun := time.Now()
		e, _, err := entries.Walk(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		until := e.About().ValidUntil
		switch {
		case want < 0 && !until.IsZero():
			t.Errorf("%s is valid until %s, want for good", path, until)
		case want >= 0 && (until.Before(begun.Add(want)) || until.After(time.Now().Add(want))):
			t.Errorf("%s is valid until %s, want %s from %s", path, until, want, begun)
		}
	}
}
