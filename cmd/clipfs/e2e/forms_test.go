//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// readWhole reads a file, which has to be as long as the open file says, and has to have said so before.
func readWhole(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil || int64(len(text)) != info.Size() || len(text) == 0 {
		t.Errorf("%s: %d bytes, %v, and the open file says %d", path, len(text), err, info.Size())
	}
	return string(text)
}

// TestFormsOfTheListing: what is written from the listing alone has its size from the start, costs no media, stays what it was for
// an open file, and is another version once there is more; and what is none is ENOENT.
func TestFormsOfTheListing(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--quota", "off")
	createStreams(t, e, 24*10, "cam")
	from := time.Now().UTC().Truncate(24 * time.Hour).Add(-14 * time.Hour)
	put(t, e, "cam", from, time.Minute)
	m := harness.StartMount(t, e, "--metadata-ttl", "1s")
	minute := m.Join("cam", from.Format("2006-01-02T15:04"))
	run := filepath.Join(m.Join("cam", from.Format("2006-01-02")), "runs", from.Format("2006-01-02T15:04:05.000")+"-10m")
	paths := map[string]string{ // and what only the text of the first minute has
		minute + "/10m.json": `"fragments": 30`, minute + "/10m.svg": "in 30 fragments", run + ".svg": "in 30 fragments",
		minute + "/10m.srt": "00:01:00,000\n" + from.Add(59*time.Second).Format("2006-01-02 15:04:05 UTC") + "\n\n", minute + "/10m.vtt": "00:01:00.000\n",
	}
	opened := make(map[string]*os.File)
	first := make(map[string]string)
	for path, has := range paths {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if first[path] = readWhole(t, path); int64(len(first[path])) != info.Size() || !strings.Contains(first[path], has) {
			t.Errorf("%s: %d bytes, and it said %d; no %q in\n%s", path, len(first[path]), info.Size(), has, first[path])
		}
		if opened[path], err = os.Open(path); err != nil {
			t.Fatal(err)
		}
	}
	put(t, e, "cam", from.Add(time.Minute), time.Minute)
	for path := range paths {
		eventually(t, filepath.Base(path)+" is another", func() bool { return readWhole(t, path) != first[path] })
		text, err := io.ReadAll(opened[path])
		if err != nil || string(text) != first[path] {
			t.Errorf("%s, open since before: %d bytes, %v; want %d", path, len(text), err, len(first[path]))
		}
		if err := opened[path].Close(); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"10min.srt", "25h.svg", "10m.ssa", "0s.vtt", "../2024-01-01/24h.svg", "../1999-01-01/1m.srt"} {
		if _, err := os.Stat(minute + "/" + name); !errors.Is(err, syscall.ENOENT) {
			t.Errorf("%s: %v, want ENOENT", name, err)
		}
	}
	if got := e.Calls(t, "GetClip"); got != 0 {
		t.Errorf("%d GetClip calls, want none", got)
	}
}

// TestPictureOfADay: the picture of a day of 43,200 fragments is below 60 KB, and costs its listing only, once.
func TestPictureOfADay(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off", "--retention", "72h")
	m := harness.StartMount(t, e, "--metadata-ttl", "10m")
	path := m.Join("testcard", time.Now().UTC().Add(-26*time.Hour).Format("2006-01-02"), "24h.svg")
	text := readWhole(t, path)
	if len(text) > 60_000 || !strings.Contains(text, "24h0m0s of 24h0m0s recorded, 0 gaps") || !strings.Contains(text, "in 43200 fragments") {
		t.Errorf("%d bytes: %.2000s", len(text), text)
	}
	decoder := xml.NewDecoder(bytes.NewReader([]byte(text)))
	for err := error(nil); !errors.Is(err, io.EOF); {
		if _, err = decoder.Token(); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
	before := e.Calls(t, "ListFragments")
	if before > 50 {
		t.Errorf("%d ListFragments calls, want at most 50", before)
	}
	if again := readWhole(t, path); again != text || e.Calls(t, "ListFragments") != before || e.Calls(t, "GetClip") != 0 {
		t.Errorf("again: %d bytes, calls %v", len(again), e.Counts(t))
	}
	t.Logf("%d bytes, %d ListFragments calls", len(text), before)
}
