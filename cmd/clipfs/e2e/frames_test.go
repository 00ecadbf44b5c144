//go:build e2e

package e2e_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/cmd/internal/harness"
)

// recordings makes one file of each combination of codings, 20 s long with a key frame every 2 s, and gives what to
// call and where to find them.
func recordings(t *testing.T) map[string]string {
	t.Helper()
	picture := []string{"-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=20"}
	sound := func(rate int) []string {
		return []string{"-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=500:sample_rate=%d:duration=20", rate)}
	}
	h264 := []string{"-threads", "1", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-keyint_min", "50",
		"-sc_threshold", "0", "-x264-params", "open-gop=0:threads=1"}
	bframes := append(h264[:len(h264):len(h264)], "-bf", "2")
	h265 := []string{"-threads", "1", "-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1",
		"-x265-params", "keyint=50:min-keyint=50:scenecut=0:open-gop=0:bframes=2:pools=none:frame-threads=1:log-level=error"}
	make := func(name string, parts ...[]string) string {
		var args []string
		for _, p := range parts {
			args = append(args, p...)
		}
		return harness.FFmpeg(t, name, args...)
	}
	aac := []string{"-c:a", "aac", "-b:a", "48k"}
	return map[string]string{
		"h264-bframes-aac": make("a.mp4", picture, sound(48000), bframes, aac),
		"h265-aac":         make("b.mkv", picture, sound(32000), h265, aac),
		"h264-alaw":        make("c.mkv", picture, sound(8000), h264, []string{"-c:a", "pcm_alaw"}),
		"h264-mulaw":       make("d.mkv", picture, sound(8000), bframes, []string{"-c:a", "pcm_mulaw"}),
		"h264-silent":      make("e.mp4", picture, h264),
		"h265-alaw":        make("f.mkv", picture, sound(8000), h265, []string{"-c:a", "pcm_alaw"}),
	}
}

// TestFrames: the coded frames of a mounted clip, as ffmpeg reads them, are those that the emulator stored for its span,
// in number, order and content, whatever codings they have and whoever made the payload. Each coding is read in each payload, as
// some of it or all in turns: by pairs, both with each coding and with each payload.
func TestFrames(t *testing.T) {
	t.Parallel()
	files := recordings(t)
	start := testStart()
	var streams []string
	specs := make(map[string]string)
	// The span begins and ends in the middle of fragments: those that start in it belong to it.
	from, length := start.Add(3*time.Second), 11*time.Second
	some, all := make(map[string][]footage.Fragment), make(map[string][]footage.Fragment)
	for name, file := range files {
		specs[name] = fmt.Sprintf("%s=%s@%s", name, file, start.Format(time.RFC3339Nano))
		streams = append(streams, "--stream", specs[name])
		some[name] = stored(t, specs[name], from, from.Add(length))
		all[name] = stored(t, specs[name], start, start.Add(time.Minute))
	}
	for i, test := range []struct {
		name string
		args []string
	}{
		{"moov first", nil},
		{"moov last", []string{"--moov", "last"}},
		{"moov last, chunked", []string{"--moov", "last", "--content-length", "off"}},
		{"chunked", []string{"--content-length", "off"}},
		{"ffmpeg", []string{"--muxer", "ffmpeg"}},
		{"ffmpeg, moov last, chunked", []string{"--muxer", "ffmpeg", "--moov", "last", "--content-length", "off"}},
		{"ffmpeg's defaults", []string{"--muxer", "ffmpeg-defaults"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := harness.StartEmulator(t, append(streams, test.args...)...)
			m := harness.StartMount(t, e)
			var files []held
			for j, name := range slices.Sorted(maps.Keys(specs)) {
				if (i+j)%2 == 0 {
					files = append(files, held{m.Join(name, nameOf(from), "11s.mp4"), some[name]})
				} else {
					files = append(files, held{m.Join(name, nameOf(start), "1m.mp4"), all[name]})
				}
			}
			sameFramesOf(t, files...)
		})
	}
}

// TestDecoded: decoded pictures of closed groups and decoded PCM of G.711 are those of the source.
func TestDecoded(t *testing.T) {
	t.Parallel()
	files := recordings(t)
	start := testStart()
	var streams []string
	for name, file := range files {
		streams = append(streams, "--stream", fmt.Sprintf("%s=%s@%s", name, file, start.Format(time.RFC3339Nano)))
	}
	m := harness.StartMount(t, harness.StartEmulator(t, streams...))
	dir, args, outputs := t.TempDir(), []string{"-v", "error", "-nostdin", "-xerror"}, []string(nil)
	decoded := func(input int, kind string) string { return filepath.Join(dir, kind+strconv.Itoa(input)) }
	names := slices.Sorted(maps.Keys(files))
	for i, name := range names {
		for j, path := range []string{m.Join(name, nameOf(start), "1m.mp4"), files[name]} {
			input := 2*i + j
			args = append(args, "-threads", "1", "-i", path)
			outputs = append(outputs, "-map", fmt.Sprintf("%d:v", input), "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", decoded(input, "pictures"))
			if strings.HasSuffix(name, "law") {
				outputs = append(outputs, "-map", fmt.Sprintf("%d:a", input), "-f", "s16le", decoded(input, "sound"))
			}
		}
	}
	harness.Run(t, "ffmpeg", append(args, outputs...)...) // at once, as its start takes the longest
	for i, name := range names {
		for _, kind := range []string{"pictures", "sound"} {
			want, err := os.ReadFile(decoded(2*i+1, kind))
			if kind == "sound" && !strings.HasSuffix(name, "law") {
				continue
			}
			if err != nil || len(want) == 0 {
				t.Fatalf("%s: %d bytes of decoded %s, %v", name, len(want), kind, err)
			}
			if got, err := os.ReadFile(decoded(2*i, kind)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes of decoded %s differ from the %d of the source, %v", name, len(got), kind, len(want), err)
			}
		}
	}
}
