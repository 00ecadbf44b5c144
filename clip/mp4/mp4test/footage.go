package mp4test

import (
	"encoding/json"
	"testing"
)

// Source is media that ffmpeg makes of arguments: what it is called, the file's name, its codecs in order.
type Source struct {
	Name, File, Codecs string
	Args               []string
}

// Footage is media of every coding that the service takes.
func Footage() []Source {
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
	return []Source{
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

// CheckMediaInfo has a third demuxer look at a file.
func CheckMediaInfo(t testing.TB, path string, last bool) {
	t.Helper()
	text := Run(t, "mediainfo", "--Output=JSON", path)
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
