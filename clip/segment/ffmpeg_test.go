//go:build e2e

package segment_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/mp4"
	"clipfs/clip/playlist"
	"clipfs/clip/segment"
)

// run runs a program and gives what it prints; a word on stderr fails the test.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil || said.Len() > 0 {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &said)
	}
	return string(out)
}

// file is an MP4 file in memory.
type file []byte

// ReadAt reads as io.ReaderAt does.
func (f file) ReadAt(_ context.Context, p []byte, off int64) (int, error) {
	return bytes.NewReader(f).ReadAt(p, off)
}

// movie parses its moov.
func (f file) movie(t *testing.T) *mp4.Movie {
	t.Helper()
	for box, err := range mp4.Children(f) {
		if err != nil {
			t.Fatal(err)
		}
		if box.Type == mp4.TypeMoov {
			movie, err := mp4.ParseMovie(box.Raw)
			if err != nil {
				t.Fatal(err)
			}
			return movie
		}
	}
	t.Fatal("no moov")
	return nil
}

// published makes a playlist with segments in a directory, of MP4 files that have so many seconds each.
func published(t *testing.T, dir string, files []file, seconds int) string {
	t.Helper()
	var fragments []archive.Fragment
	begin := time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)
	for i := range files {
		at := begin.Add(time.Duration(i*seconds) * time.Second)
		fragments = append(fragments, archive.Fragment{Producer: at, Length: time.Duration(seconds) * time.Second})
	}
	segments := playlist.Cut(fragments, archive.GapRule{Min: time.Second}, playlist.Options{Segment: time.Duration(seconds) * time.Second})
	if len(segments) != len(files) {
		t.Fatalf("%d segments of %d files", len(segments), len(files))
	}
	name := func(s playlist.Segment) string { return fmt.Sprintf("%s.ts", s.Span.Start.Format("20060102T150405Z")) }
	for i, s := range segments {
		movie := files[i].movie(t)
		frames, err := segment.All(movie)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := segment.Plan(movie, frames, segment.Options{PTS: s.PTS})
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, plan.Size())
		if _, err := plan.Reader(files[i]).ReadAt(t.Context(), b, 0); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name(s)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "all.m3u8")
	if err := os.WriteFile(path, playlist.VOD(segments, name), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPlaylist: ffmpeg reads from a playlist the pictures and the sound of the files that its segments were made of, each once and in
// order, and finds the picture of a time that it is asked for.
func TestPlaylist(t *testing.T) {
	const seconds, rate = 2, 25
	for _, test := range []struct {
		name string
		args []string
	}{
		{"H.264 in order", []string{"-c:v", "libx264", "-bf", "0"}},
		{"H.264 reordered", []string{"-c:v", "libx264", "-bf", "2"}},
		{"H.265", []string{"-c:v", "libx265", "-x265-params", "log-level=none:open-gop=0:keyint=50:min-keyint=50:scenecut=0", "-tag:v", "hvc1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			args := []string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=20", "-f", "lavfi", "-i", "sine=d=20:r=48000", "-pix_fmt", "yuv420p"}
			args = append(append(args, test.args...), "-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-c:a", "aac", "-f", "segment", "-segment_time", "2",
				"-reset_timestamps", "1", "-segment_format_options", "movflags=+faststart", filepath.Join(dir, "part%02d.mp4"))
			run(t, "ffmpeg", args...)
			paths, err := filepath.Glob(filepath.Join(dir, "part*.mp4"))
			if err != nil || len(paths) != 10 {
				t.Fatalf("%d parts, %v", len(paths), err)
			}
			var files []file
			var want strings.Builder
			for _, p := range paths {
				b, err := os.ReadFile(p)
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, b)
				want.WriteString(hashes(t, "-i", p))
			}
			list := published(t, dir, files, seconds)
			if got := hashes(t, "-i", list); got != want.String() {
				t.Errorf("%d pictures from the playlist, %d from the files, or others", strings.Count(got, "\n"), strings.Count(want.String(), "\n"))
			}
			all := strings.Split(strings.TrimSpace(want.String()), "\n")
			for _, at := range []float64{0.2, 3.96, 4, 4.04, 11.48, 17.6} {
				got := strings.TrimSpace(hashes(t, "-ss", fmt.Sprint(at), "-i", list, "-frames:v", "1"))
				if want := all[int(at*rate+0.5)]; got != want {
					t.Errorf("at %g s: %s, want %s", at, got, want)
				}
			}
		})
	}
}

// hashes gives one hash for each picture.
func hashes(t *testing.T, args ...string) string {
	t.Helper()
	text := run(t, "ffmpeg", append(append([]string{"-v", "warning"}, args...), "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-")...)
	var out strings.Builder
	for line := range strings.Lines(text) {
		if fields := strings.Split(line, ","); !strings.HasPrefix(line, "#") && len(fields) > 1 {
			out.WriteString(strings.TrimSpace(fields[len(fields)-1]) + "\n")
		}
	}
	return out.String()
}
