//go:build e2e

package mp4_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clipfs/clip/mp4"

	"github.com/google/go-cmp/cmp"
)

// footage is media made by ffmpeg: what it is called, the file's name, the arguments, its codecs in order.
func footage() []struct {
	name, file, codecs string
	args               []string
} {
	picture := []string{"-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=2"}
	sound := func(rate string) []string {
		return []string{"-f", "lavfi", "-i", "sine=sample_rate=" + rate + ":duration=2"}
	}
	join := func(parts ...[]string) []string {
		all := []string{}
		for _, p := range parts {
			all = append(all, p...)
		}
		return append(all, "-threads", "1", "-pix_fmt", "yuv420p")
	}
	avc := []string{"-c:v", "libx264", "-preset", "ultrafast", "-g", "25"}
	hevc := []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:pools=none:keyint=25"}
	return []struct {
		name, file, codecs string
		args               []string
	}{
		{"h264 and aac", "a.mp4", "h264 aac", join(picture, sound("48000"), avc, []string{"-bf", "0", "-c:a", "aac"})},
		{"h264 with b-frames", "a.mp4", "h264", join(picture, avc, []string{"-bf", "3"})},
		{"h264 with signed offsets", "a.mp4", "h264",
			join(picture, avc, []string{"-bf", "3", "-movflags", "negative_cts_offsets"})},
		{"h264 as real clips are", "a.mp4", "h264 aac", join(picture, sound("32000"), avc,
			[]string{"-bf", "2", "-video_track_timescale", "1000", "-c:a", "aac", "-ac", "2"})},
		{"h265 as real clips are", "a.mp4", "hevc", join(picture, hevc,
			[]string{"-bf", "2", "-tag:v", "hvc1", "-video_track_timescale", "1000"})},
		{"h265 as ffmpeg writes it", "a.mp4", "hevc", join(picture, hevc)},
		{"h264 and a-law", "a.mov", "h264 pcm_alaw", join(picture, sound("8000"), avc, []string{"-c:a", "pcm_alaw"})},
		{"mu-law in stereo", "a.mov", "pcm_mulaw", join(sound("8000"), []string{"-ac", "2", "-c:a", "pcm_mulaw"})},
		{"aac in quicktime", "a.mov", "aac", join(sound("44100"), []string{"-c:a", "aac"})},
	}
}

// TestRemux takes files of another muxer apart and puts them together again: every demuxer we have must see the same
// frames at the same times.
func TestRemux(t *testing.T) {
	t.Parallel() // it runs ffmpeg for the most part
	for _, f := range footage() {
		t.Run(f.name, func(t *testing.T) {
			need(t, "ffmpeg", "ffprobe", "mediainfo")
			in := ffmpeg(t, f.file, f.args...)
			lowest, highest := offsets(remux(t, in).Tracks[0])
			if reorders := strings.Contains(f.name, "b-frames"); reorders && highest == lowest {
				t.Errorf("composition offsets are all %d: this does not test what it says", lowest)
			}
			if signed := strings.Contains(f.name, "signed"); signed != (lowest < 0) {
				t.Errorf("lowest composition offset %d, want one below 0: %t", lowest, signed)
			}
			for _, last := range []bool{false, true} {
				out := remux(t, in)
				out.MoovLast = last
				path := filepath.Join(t.TempDir(), "out.mp4")
				if err := os.WriteFile(path, build(t, out), 0o600); err != nil {
					t.Fatal(err)
				}
				// hev1 becomes hvc1, which changes marks in the extradata (TestHVC1Complete).
				marks := strings.HasPrefix(f.codecs, "hevc")
				if diff := cmp.Diff(frames(t, in, marks), frames(t, path, marks)); diff != "" {
					t.Errorf("moov last %t: frames differ (-ffmpeg +ours):\n%s", last, diff)
				}
				if diff := cmp.Diff(probe(t, in), probe(t, path)); diff != "" {
					t.Errorf("moov last %t: ffprobe differs (-ffmpeg +ours):\n%s", last, diff)
				}
				if got, want := codecs(t, path), f.codecs; got != want {
					t.Errorf("moov last %t: codecs %q, want %q", last, got, want)
				}
				checkMediaInfo(t, path, last)
				run(t, "ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-i", path, "-map", "0", "-f", "null", "-")
			}
		})
	}
}

// offsets gives the bounds of a track's composition offsets.
func offsets(track mp4.OutputTrack) (lowest, highest int32) {
	for i, r := range track.Samples {
		if i == 0 {
			lowest, highest = r.Offset, r.Offset
		}
		lowest, highest = min(lowest, r.Offset), max(highest, r.Offset)
	}
	return lowest, highest
}

// frames gives the coded frames that ffmpeg reads from a file, with times and hashes; the hash of the extradata too
// unless it is to be left out.
func frames(t *testing.T, path string, noExtra bool) []string {
	t.Helper()
	text := run(t, "ffmpeg", "-v", "error", "-nostdin", "-i", path, "-map", "0", "-c", "copy", "-f", "framemd5", "-")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) < 10 {
		t.Fatalf("ffmpeg read no frames: %q", text)
	}
	if noExtra {
		lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "#extradata") })
	}
	return lines
}

// probe gives the fields that ffprobe reads from a file and that do not depend on who wrote it.
func probe(t *testing.T, path string) map[string]any {
	t.Helper()
	text := run(t, "ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", path)
	var got struct {
		Streams []map[string]any `json:"streams"`
		Format  map[string]any   `json:"format"`
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	fields := map[string]any{"start": got.Format["start_time"], "duration": got.Format["duration"]}
	for _, s := range got.Streams {
		kind, _ := s["codec_type"].(string)
		for _, key := range []string{
			"codec_name", "profile", "width", "height", "pix_fmt", "has_b_frames", "time_base", "start_pts", "duration_ts",
			"nb_frames", "avg_frame_rate", "sample_rate", "channels", "extradata_size",
		} {
			fields[kind+"."+key] = s[key]
		}
	}
	return fields
}

// codecs gives the names of the codecs in a file.
func codecs(t *testing.T, path string) string {
	t.Helper()
	text := run(t, "ffprobe", "-v", "error", "-of", "csv=p=0", "-show_entries", "stream=codec_name", path)
	return strings.Join(strings.Fields(text), " ")
}

// checkMediaInfo has a third demuxer look at a file.
func checkMediaInfo(t *testing.T, path string, last bool) {
	t.Helper()
	text := run(t, "mediainfo", "--Output=JSON", path)
	var got struct {
		Media struct {
			Track []map[string]any `json:"track"`
		} `json:"media"`
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Media.Track) < 2 {
		t.Fatalf("mediainfo sees no tracks: %s", text)
	}
	general := got.Media.Track[0]
	streamable := "Yes"
	if last {
		streamable = "No"
	}
	if general["Format"] != "MPEG-4" || general["IsStreamable"] != streamable || general["IsTruncated"] != nil {
		t.Errorf("mediainfo: %v, want a whole MPEG-4, streamable %s", general, streamable)
	}
	for _, track := range got.Media.Track {
		if extra, ok := track["extra"].(map[string]any); ok && extra["ConformanceErrors"] != nil {
			t.Errorf("mediainfo: %v", extra)
		}
	}
}

// TestHVC1Complete checks that the parameter sets of an hvc1 entry are marked as complete, though the source's are not.
func TestHVC1Complete(t *testing.T) {
	array := func(head byte) []byte { return []byte{head, 0, 1, 0, 2, 0xaa, 0xbb} }
	record := func(complete byte) []byte {
		b := append(make([]byte, 22), 4)
		for _, kind := range []byte{32, 33, 34} {
			b = append(b, array(kind|complete)...)
		}
		return append(b, array(39)...)
	}
	for _, c := range []struct {
		name       string
		give, want []byte
	}{
		{"marked", record(0), record(0x80)},
		{"already", record(0x80), record(0x80)},
		{"cut", record(0)[:30], record(0)[:30]},
		{"empty", nil, nil},
	} {
		give := bytes.Clone(c.give)
		entry := mp4.NewHEVCEntry(give, 320, 180)
		if got := entry[len(entry)-len(c.want):]; !bytes.Equal(got, c.want) {
			t.Errorf("%s: got % x, want % x", c.name, got, c.want)
		}
		if !bytes.Equal(give, c.give) {
			t.Errorf("%s: the record given was changed", c.name)
		}
	}
}
