//go:build e2e

package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clipfs/cmd/internal/harness"
)

// TestWitnessPlaylist: playlists of an archive that shares no code with us have the coded frames of the clips of the same spans, once and in order, which
// TestWitness compares with what is stored.
func TestWitnessPlaylist(t *testing.T) {
	t.Parallel()
	start := testStart()
	var streams []harness.WitnessStream
	for _, s := range []struct{ name, picture string }{{"h264", "h264 B"}, {"hevc", "hevc"}} {
		streams = append(streams, harness.WitnessStream{
			Name: s.name, File: witnessSource(t, s.picture), Start: start.UnixMilli(), Layout: "first", Timescale: 90_000, Stss: "keys",
			Fragments: 30, Gaps: [][2]int64{{12, 7000}},
		})
	}
	m := harness.StartMount(t, startWitness(t, streams...).Emulator, "--part", witnessPart.String(), "--log-level", "info")
	for _, s := range streams {
		var slices, sounds [2][]string
		for i, form := range []string{".mp4", ".m3u8"} {
			slices[i], sounds[i] = codedIn(t, m.Join(s.Name, nameOf(start), "5m"+form), s.Name == "hevc")
		}
		sameList(t, s.Name, "slices", slices[0], slices[1])
		sameList(t, s.Name, "frames of sound", sounds[0], sounds[1])
		if len(slices[0]) < 100 || len(sounds[0]) < 100 {
			t.Errorf("%s has %d slices and %d frames of sound", s.Name, len(slices[0]), len(sounds[0]))
		}
	}
}

// codedIn gives the hashes of the slices and of the frames of sound of a file.
func codedIn(t *testing.T, path string, h265 bool) (video, sound []string) {
	t.Helper()
	raw, format := filepath.Join(t.TempDir(), "video"), "h264"
	if h265 {
		format = "hevc"
	}
	args := []string{"-v", "error", "-nostdin", "-i", path, "-map", "0:v", "-c", "copy", "-f", format, raw, "-map", "0:a", "-c", "copy"}
	if strings.HasSuffix(path, ".m3u8") {
		args = append(args, "-bsf:a", "aac_adtstoasc")
	}
	tracks, err := parseFrameMD5(string(harness.Run(t, "ffmpeg", append(args, "-f", "framemd5", "-")...)))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	return slicesOf(startCodesOf(content), h265), tracks[0].hashes()
}
