//go:build e2e

package e2e_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/names"
	"clipfs/cmd/internal/harness"
)

// probe is what ffprobe tells of a file.
type probe struct {
	Format struct {
		Duration string
		Tags     map[string]string
	}
	Streams []struct {
		CodecName string `json:"codec_name"`
	}
}

// ffprobe opens a file with ffprobe.
func ffprobe(t *testing.T, path string) probe {
	t.Helper()
	var p probe
	out := harness.Run(t, "ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", path)
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestListing: every file that is listed opens; a clip has both tracks and lasts as long as its name says where the
// footage does, and its sidecar is JSON.
func TestListing(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--retention", "1h", "--quota", "off")
	m := harness.StartMount(t, e)
	clips, sidecars := 0, 0
	err := filepath.WalkDir(m.Path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		if strings.HasSuffix(path, ".json") {
			sidecars++
			text, err := os.ReadFile(path)
			if err != nil || !json.Valid(text) {
				t.Errorf("%s: %v, %d bytes that may be no JSON", path, err, len(text))
			}
			return nil
		}
		if filepath.Ext(path) != ".mp4" {
			wantAsSaid(t, path)
			return nil
		}
		clips++
		if clips%25 != 1 && !strings.Contains(path, "/last/") {
			return nil // some of each length will do: there are hundreds
		}
		p := ffprobe(t, path)
		if len(p.Streams) != 2 || p.Streams[0].CodecName != "h264" || p.Streams[1].CodecName != "aac" {
			t.Errorf("%s: streams %v", path, p.Streams)
		}
		seconds, err := strconv.ParseFloat(p.Format.Duration, 64)
		length, lengthErr := time.ParseDuration(strings.TrimSuffix(filepath.Base(path), ".mp4"))
		if err != nil || lengthErr != nil || seconds < 1 || seconds > length.Seconds()+0.1 {
			t.Errorf("%s: lasts %q", path, p.Format.Duration)
		}
		// creation_time is that of the footage, not of the download.
		created, err := time.Parse(time.RFC3339, p.Format.Tags["creation_time"])
		start, startErr := names.Grammar{}.ParseStart(filepath.Base(filepath.Dir(path)))
		period := names.Grammar{}.Period(start)
		if !strings.Contains(path, "/last/") && (err != nil || startErr != nil || !period.Contains(created)) {
			t.Errorf("%s: creation_time %q", path, p.Format.Tags["creation_time"])
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if clips < 100 || sidecars != clips { // 59 minutes at least, two lengths each
		t.Errorf("found %d clips and %d sidecars", clips, sidecars)
	}
}

// wantAsSaid reads a file, which has to be as long as it says once it is open: what it says before may be what it was, as the day goes on.
func wantAsSaid(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	text, rerr := io.ReadAll(f)
	if err := errors.Join(err, rerr); err != nil || int64(len(text)) != info.Size() {
		t.Errorf("%s: %v, %d bytes, and it says otherwise", path, err, len(text))
	}
}

// shows reads the second that the test card shows at a position of a file.
func shows(t *testing.T, path string, position time.Duration) int {
	t.Helper()
	const width, height = 320, 180
	gray := harness.Run(t, "ffmpeg", "-v", "error", "-nostdin", "-ss", strconv.FormatFloat(position.Seconds(), 'f', 3, 64), "-i", path,
		"-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-")
	if len(gray) != width*height {
		t.Fatalf("%s at %s: a picture of %d bytes", path, position, len(gray))
	}
	second, err := footage.ReadTestCard(gray, width, height)
	if err != nil {
		t.Fatalf("%s at %s: %v", path, position, err)
	}
	return second
}

// TestPictureShowsTheTime: at position p the test card shows the start of the clip's first fragment plus p.
func TestPictureShowsTheTime(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e)
	minute := time.Now().UTC().Add(-5 * time.Hour).Truncate(time.Minute)
	for _, test := range []struct {
		offset time.Duration // from the minute to the start of the span
		first  time.Duration // to the first fragment: they start on even seconds
	}{{0, 0}, {7 * time.Second, 8 * time.Second}, {30500 * time.Millisecond, 32 * time.Second}, {59 * time.Second, 60 * time.Second}} {
		path := m.Join("testcard", nameOf(minute.Add(test.offset)), "5m.mp4")
		for _, position := range []time.Duration{0, 500 * time.Millisecond, 1960 * time.Millisecond, 2 * time.Second, 33500 * time.Millisecond, 4*time.Minute + 30*time.Second} {
			want := int((test.first+position)/time.Second) % 60
			if got := shows(t, path, position); got != want {
				t.Errorf("%s at %s shows second %d, want %d", path, position, got, want)
			}
		}
	}
}
