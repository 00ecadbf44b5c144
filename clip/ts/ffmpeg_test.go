//go:build e2e

package ts_test

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

	"clipfs/clip/mp4"
	"clipfs/clip/ts"
)

// run runs a program and gives what it prints; that it says nothing on stderr is part of the test.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil || errors.Len() > 0 {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &errors)
	}
	return string(out)
}

// wrapped makes transport streams of an MP4 file, one for each run of pictures that begins with a key frame and is at least so many
// long, as a playlist would have them.
func wrapped(t *testing.T, file []byte, long int) [][]byte {
	t.Helper()
	movie := movieOf(t, file)
	video, sound := movie.Video(), movie.Sound()
	entry := video.Entries[0]
	read, kind := ts.AVC, mp4.TypeAvcC
	if entry.Type != mp4.CodingAVC1 {
		read, kind = ts.HEVC, mp4.TypeHvcC
	}
	pictures, err := read(config(t, entry, kind))
	if err != nil {
		t.Fatal(err)
	}
	s := ts.Streams{Video: []*ts.Video{pictures}}
	if sound != nil {
		config, err := sound.Entries[0].AudioSpecificConfig()
		if err != nil {
			t.Fatal(err)
		}
		aac, err := ts.NewSound(config)
		if err != nil {
			t.Fatal(err)
		}
		s.Sound = []*ts.Sound{aac}
	}
	type at struct{ position, size int64 }
	var borders []int64 // decoding times at which segments begin
	var units []ts.Unit
	var places []at
	add := func(track *mp4.Track, isSound bool) {
		n := 0
		for sample, err := range track.Samples() {
			if err != nil {
				t.Fatal(err)
			}
			tick := func(v int64) int64 { return v * ts.ClockRate / int64(track.Timescale) }
			u := ts.Unit{Sound: isSound, Key: sample.Sync && !isSound, DTS: tick(sample.DTS), PTS: tick(sample.PTS()), Size: int(sample.Size)}
			if u.Key && (len(borders) == 0 || n >= long) {
				borders, n = append(borders, u.DTS), 0
			}
			n++
			units, places = append(units, u), append(places, at{sample.Position, int64(sample.Size)})
		}
	}
	add(video, false)
	if sound != nil {
		add(sound, true)
	}
	var out [][]byte
	for i, from := range borders {
		var own []ts.Unit
		var index []int
		for k, u := range units {
			if (u.DTS >= from || i == 0) && (i+1 == len(borders) || u.DTS < borders[i+1]) {
				own, index = append(own, u), append(index, k)
			}
		}
		seg, err := ts.Plan(s, own)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, seg.Size())
		reader := seg.Reader(func(_ context.Context, unit int, p []byte) error {
			place := places[index[unit]]
			copy(p, file[place.position:place.position+place.size])
			return nil
		})
		if _, err := reader.ReadAt(t.Context(), b, 0); err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// config gives the codec's configuration of a sample entry.
func config(t *testing.T, entry mp4.SampleEntry, kind mp4.FourCC) []byte {
	t.Helper()
	b, ok := entry.Config(kind)
	if !ok {
		t.Fatalf("no %s in %s", kind, entry.Type)
	}
	return b
}

// movieOf parses the moov of a file.
func movieOf(t *testing.T, file []byte) *mp4.Movie {
	t.Helper()
	for box, err := range mp4.Children(file) {
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

// TestFFmpeg: ffmpeg decodes from segments, one after the other, the pictures and the sound of the MP4 file that they were made
// of, without a word of warning.
func TestFFmpeg(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
	}{
		{"H.264, reordered, AAC stereo", []string{"-c:v", "libx264", "-bf", "3", "-g", "25", "-c:a", "aac", "-ac", "2"}},
		{"H.264 baseline, AAC mono at 16 kHz", []string{"-c:v", "libx264", "-profile:v", "baseline", "-g", "50", "-c:a", "aac", "-ac", "1", "-ar", "16000"}},
		{"H.265, no sound", []string{"-c:v", "libx265", "-x265-params", "log-level=none:keyint=25", "-tag:v", "hvc1", "-an"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			source := filepath.Join(dir, "source.mp4")
			args := []string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=25:d=6", "-f", "lavfi", "-i", "sine=d=6:r=48000", "-pix_fmt", "yuv420p"}
			run(t, "ffmpeg", append(append(args, test.args...), "-use_editlist", "0", "-movflags", "+faststart", source)...)
			file, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			segments := wrapped(t, file, 50)
			if len(segments) < 3 {
				t.Fatalf("%d segments", len(segments))
			}
			joined := filepath.Join(dir, "all.ts")
			if err := os.WriteFile(joined, slices.Concat(segments...), 0o600); err != nil {
				t.Fatal(err)
			}
			streams := []string{"v"}
			if !slices.Contains(test.args, "-an") {
				streams = append(streams, "a")
			}
			for _, stream := range streams {
				hashes := func(path string) string {
					return run(t, "ffmpeg", "-v", "warning", "-i", path, "-map", "0:"+stream, "-f", "hash", "-hash", "md5", "-fps_mode:v", "passthrough", "-")
				}
				if got, want := hashes(joined), hashes(source); got != want {
					t.Errorf("%s: %s, want %s", stream, got, want)
				}
			}
		})
	}
}

// TestSilence: each number of channels has a frame that ffmpeg decodes to as many channels of zeros.
func TestSilence(t *testing.T) {
	channels := []int{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8}
	for configuration := 1; configuration <= 7; configuration++ {
		sound, err := ts.NewSound([]byte{0x11, 0x80 | byte(configuration)<<3})
		if err != nil {
			t.Fatal(err)
		}
		var units []ts.Unit
		for i := range 20 {
			units = append(units, ts.Unit{Sound: true, Silent: true, PTS: int64(i) * 1920, DTS: int64(i) * 1920})
		}
		seg, err := ts.Plan(ts.Streams{Sound: []*ts.Sound{sound}}, units)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, seg.Size())
		if _, err := seg.Reader(nil).ReadAt(t.Context(), b, 0); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.ts", configuration))
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		pcm := run(t, "ffmpeg", "-v", "warning", "-i", path, "-f", "s16le", "-")
		if want := 20 * ts.SamplesPerFrame * channels[configuration] * 2; len(pcm) != want || strings.Trim(pcm, "\x00") != "" {
			t.Errorf("configuration %d: %d bytes, want %d, all zero", configuration, len(pcm), want)
		}
	}
}
