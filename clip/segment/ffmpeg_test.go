//go:build e2e

package segment_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/encoded"
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
			whole := filepath.Join(dir, "whole.mp4")
			args := []string{"-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=20", "-f", "lavfi", "-i", "sine=d=20:r=48000", "-pix_fmt", "yuv420p"}
			args = append(append(args, test.args...), "-preset", "veryfast", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-c:a", "aac")
			if said, err := encoded.File(t.Context(), whole, args...); err != nil || len(said) > 0 {
				t.Fatalf("ffmpeg: %v, %s", err, said)
			}
			run(t, "ffmpeg", "-v", "error", "-i", whole, "-map", "0", "-c", "copy", "-f", "segment", "-segment_time", "2",
				"-reset_timestamps", "1", "-segment_format_options", "movflags=+faststart", filepath.Join(dir, "part%02d.mp4"))
			paths, err := filepath.Glob(filepath.Join(dir, "part*.mp4"))
			if err != nil || len(paths) != 10 {
				t.Fatalf("%d parts, %v", len(paths), err)
			}
			var files []file
			var parts [][]string
			for _, p := range paths {
				b, err := os.ReadFile(p)
				if err != nil {
					t.Fatal(err)
				}
				files, parts = append(files, b), append(parts, []string{"-i", p})
			}
			list := published(t, dir, files, seconds)
			want := slices.Concat(hashes(t, nil, parts...)...)
			times := []float64{0.2, 3.96, 4, 4.04, 11.48, 17.6}
			var seeks [][]string
			for _, at := range times {
				seeks = append(seeks, []string{"-ss", fmt.Sprint(at), "-i", list})
			}
			if got := hashes(t, nil, []string{"-i", list})[0]; !slices.Equal(got, want) || len(got) != 20*rate {
				t.Errorf("%d pictures from the playlist, %d from the files, or others", len(got), len(want))
			}
			for i, got := range hashes(t, []string{"-frames:v", "1"}, seeks...) {
				if want := want[int(times[i]*rate+0.5)]; !slices.Equal(got, []string{want}) {
					t.Errorf("at %g s: %s, want %s", times[i], got, want)
				}
			}
		})
	}
}

// hashes gives the hashes of the pictures of each input, of all or as output says, by one ffmpeg.
func hashes(t *testing.T, output []string, inputs ...[]string) [][]string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-v", "warning", "-nostdin"}
	for _, input := range inputs {
		args = append(args, input...)
	}
	name := func(i int) string { return filepath.Join(dir, fmt.Sprint(i)) }
	for i := range inputs {
		args = append(append(args, output...), "-map", fmt.Sprintf("%d:v", i), "-fps_mode", "passthrough", "-f", "framemd5", name(i))
	}
	run(t, "ffmpeg", args...)
	all := make([][]string, len(inputs))
	for i := range inputs {
		text, err := os.ReadFile(name(i))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Split(line, ","); !strings.HasPrefix(line, "#") && len(fields) > 1 {
				all[i] = append(all[i], strings.TrimSpace(fields[len(fields)-1]))
			}
		}
	}
	return all
}
