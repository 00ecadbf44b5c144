package tree_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/fs/tree"
)

const together = "@/1999-12-31T20:00/10m"

// links lists the names in a directory of links.
func links(t *testing.T, entries *tree.Tree, path string) ([]string, error) {
	t.Helper()
	e, _, err := entries.Walk(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	items, err := e.(*tree.Dir).List(t.Context())
	var all []string
	for _, item := range items {
		if item.Kind != tree.IsLink {
			t.Errorf("%s is no link", item.Name)
		}
		all = append(all, item.Name)
	}
	return all, err
}

// streams is an archive of streams, each second one with an hour of footage.
func streams(n int) *memory.Archive {
	a := memory.New()
	for i := range n {
		name := archive.StreamName(fmt.Sprintf("cam-%04d", i))
		a.Recorded[name] = nil
		if i%2 == 0 {
			a.Record(name, memory.Base(), 1800, 2*time.Second)
		}
	}
	return a
}

// TestCostOfAllStreams: all streams at once cost one call each, the link of one costs that of its stream, and what is known none.
func TestCostOfAllStreams(t *testing.T) {
	a := streams(100)
	entries := newTree(t, a, clip.Options{MetadataTTL: time.Hour}, tree.Options{})
	cost := func(what string, want int, do func()) {
		t.Helper()
		_, pages, probes := a.Calls()
		do()
		_, nowPages, nowProbes := a.Calls()
		if got := nowPages - pages + nowProbes - probes; got != want {
			t.Errorf("%s cost %d ListFragments calls, want %d", what, got, want)
		}
	}
	walk := func(name string) {
		if _, _, err := entries.Walk(t.Context(), together+"/"+name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	cost("one link", 1, func() { walk("cam-0042.mp4") })
	list := func() {
		got, err := links(t, entries, together)
		if err != nil || len(got) != 50 || got[21] != "cam-0042.mp4" {
			t.Errorf("listed %v, %v; want each second stream", got, err)
		}
		for _, name := range got {
			walk(name)
		}
	}
	cost("all", 99, list)
	cost("all again", 0, list)
}

// TestAllButSome: a stream that cannot be asked is left out, and the log says so; where none can that is an error.
func TestAllButSome(t *testing.T) {
	a := streams(20)
	var asked atomic.Int64
	a.RefuseListing = func() error {
		if asked.Add(1) == 1 {
			return archive.ErrThrottled
		}
		return nil
	}
	var log bytes.Buffer
	entries := newTree(t, a, clip.Options{}, tree.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	got, err := links(t, entries, together)
	if err != nil || len(got) < 9 || len(got) > 10 { // it may have been one without footage
		t.Errorf("listed %v, %v", got, err)
	}
	if text := log.String(); strings.Count(text, "left out") != 1 || !strings.Contains(text, "cam-") || !strings.Contains(text, archive.ErrThrottled.Error()) {
		t.Errorf("log: %s", text)
	}
	for refused, want := range map[error]error{archive.ErrUnreachable: archive.ErrUnreachable, archive.ErrNotListable: nil} {
		a := streams(20)
		a.RefuseListing = func() error { return refused }
		entries := newTree(t, a, clip.Options{}, tree.Options{})
		if got, err := links(t, entries, together); len(got) > 0 || !errors.Is(err, want) {
			t.Errorf("%v: listed %v, %v; want nothing, %v", refused, got, err, want)
		}
		_, _, err := entries.Walk(t.Context(), together+"/cam-0002.mp4")
		if !errors.Is(err, want) {
			t.Errorf("%v: a link: %v, want %v", refused, err, want)
		}
	}
}

// TestTooManyStreams: beyond a thousand the listing says what to do, and links resolve.
func TestTooManyStreams(t *testing.T) {
	for n, want := range map[int]error{1000: nil, 1001: archive.ErrTooBig} {
		a := memory.New()
		for i := range n {
			a.Recorded[archive.StreamName(fmt.Sprintf("cam-%04d", i))] = nil
		}
		a.Record("cam-0000", memory.Base(), 60, 2*time.Second)
		entries := newTree(t, a, clip.Options{}, tree.Options{})
		got, err := links(t, entries, together)
		if !errors.Is(err, want) || err == nil && len(got) != 1 || err != nil && !strings.Contains(err.Error(), "--stream-prefix") {
			t.Errorf("%d streams: listed %v, %v; want %v", n, got, err, want)
		}
		dir, _, err := entries.Walk(t.Context(), together)
		if err != nil {
			t.Fatal(err)
		}
		if reason, ok := attribute(t, dir, "error"); ok != (want != nil) || !strings.Contains(reason, "--stream-prefix") && ok {
			t.Errorf("%d streams: error %q", n, reason)
		}
		if _, _, err := entries.Walk(t.Context(), together+"/cam-0000.mp4"); err != nil {
			t.Errorf("%d streams: a link: %v", n, err)
		}
	}
}
