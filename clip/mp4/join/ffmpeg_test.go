//go:build e2e

package join_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"clipfs/clip/mp4/join"
	"clipfs/clip/mp4/mp4test"
)

// makeParts has ffmpeg encode payloads of 2 s each, every one with its own arguments, and gives them as parts.
func makeParts(t *testing.T, file string, each ...[]string) (paths []string, payloads [][]byte, parts []join.Part) {
	t.Helper()
	for i, args := range each {
		path := mp4test.FFmpeg(t, file, args...)
		payload, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		part := partOf(t, payload, time.Duration(i)*2*time.Second)
		paths, payloads, parts = append(paths, path), append(payloads, payload), append(parts, part)
	}
	return paths, payloads, parts
}

// writeJoined joins parts into a file and gives its path.
func writeJoined(t *testing.T, parts []join.Part, payloads [][]byte, o join.Options) string {
	t.Helper()
	_, file := joined(t, parts, payloads, o)
	path := filepath.Join(t.TempDir(), "joined.mp4")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// packets gives size and hash of the coded frames of one stream of some files, in order, one file after the other; frames that an
// edit cuts off too. One ffmpeg reads them all, as its start takes the longest.
func packets(t *testing.T, stream string, paths ...string) [][]string {
	t.Helper()
	args := []string{"-v", "error", "-nostdin"}
	for _, path := range paths {
		args = append(args, "-ignore_editlist", "1", "-i", path)
	}
	for i := range paths {
		args = append(args, "-map", fmt.Sprintf("%d:%s", i, stream))
	}
	lists := make([][]string, len(paths))
	for _, line := range strings.Split(mp4test.Run(t, "ffmpeg", append(args, "-c", "copy", "-f", "framemd5", "-")...), "\n") {
		if fields := strings.Split(line, ","); len(fields) >= 6 && !strings.HasPrefix(line, "#") {
			file, err := strconv.Atoi(strings.TrimSpace(fields[0]))
			if err != nil || file >= len(lists) {
				t.Fatalf("%q: %v", line, err)
			}
			lists[file] = append(lists[file], strings.Join(fields[4:6], ","))
		}
	}
	return lists
}

// probed are the packets of files as ffprobe writes them, each file read once: they do not change once they are written.
//
//nolint:gochecknoglobals // made once for all tests of the binary
var probed sync.Map

// stamps gives a field, pts_time or dts_time, of all packets of a stream, v or a, in seconds, edits applied.
func stamps(t *testing.T, path, stream, field string) []float64 {
	t.Helper()
	text, ok := probed.Load(path)
	if !ok {
		text = mp4test.Run(t, "ffprobe", "-v", "error", "-of", "compact=nk=1:p=0", "-show_entries", "packet=codec_type,pts_time,dts_time", path)
		probed.Store(path, text)
	}
	var list []float64
	for _, line := range strings.Fields(text.(string)) {
		fields := strings.Split(line, "|")
		if len(fields) < 3 {
			t.Fatalf("ffprobe writes %q", line)
		}
		if fields[0][:1] != stream {
			continue
		}
		v, err := strconv.ParseFloat(fields[1+slices.Index([]string{"pts_time", "dts_time"}, field)], 64)
		if err != nil {
			t.Fatalf("%s: %v", field, err)
		}
		list = append(list, v)
	}
	return list
}

// decoded counts the pictures that ffmpeg decodes with the sound, in which it has to find no fault.
func decoded(t *testing.T, path string) int {
	t.Helper()
	text := mp4test.Run(t, "ffmpeg", "-v", "error", "-nostdin", "-xerror", "-threads", "1", "-i", path, "-map", "0:v", "-f", "framemd5", "-fps_mode",
		"passthrough", "-", "-map", "0", "-f", "null", "-")
	n := 0
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}

// checkTools has every demuxer we have read a joined file, in which there are so many pictures.
func checkTools(t *testing.T, path string, pictures int) {
	t.Helper()
	if got := decoded(t, path); got != pictures {
		t.Errorf("%d pictures, want %d", got, pictures)
	}
	mp4test.CheckMediaInfo(t, path, false)
	mp4test.Need(t, "gst-launch-1.0")
	mp4test.Run(t, "gst-launch-1.0", "-q", "filesrc", "location="+path, "!", "qtdemux", "name=d", "d.video_0", "!", "queue", "!", "fakesink")
}

// TestJoinFFmpeg joins files of ffmpeg: the frames of the parts, in their order, at their times.
func TestJoinFFmpeg(t *testing.T) {
	t.Parallel() // it runs ffmpeg for the most part
	sounds := map[string]bool{}
	for _, f := range mp4test.Footage() {
		if strings.HasPrefix(f.Codecs, "pcm") || f.Codecs == "aac" {
			continue // no video
		}
		_, sound, _ := strings.Cut(f.Codecs, " ")
		sounds[sound] = true
		t.Run(f.Name, func(t *testing.T) {
			mp4test.Need(t, "ffmpeg", "ffprobe", "mediainfo", "gst-launch-1.0")
			last := append(slices.Clone(f.Args), "-movflags", "faststart")
			if i := slices.Index(f.Args, "-movflags"); i >= 0 {
				last = slices.Clone(f.Args)
				last[i+1] += "+faststart"
			}
			paths, payloads, parts := makeParts(t, f.File, f.Args, last, f.Args)
			path := writeJoined(t, parts, payloads, join.Options{Created: mp4test.Fixed()})
			streams := []string{"v"}
			if sound != "" {
				streams = append(streams, "a")
			}
			for _, s := range streams {
				if sound == "pcm_alaw" && s == "a" {
					continue // a demuxer groups bytes as it likes; the bytes are compared below
				}
				lists := packets(t, s, append(paths[:len(paths):len(paths)], path)...)
				got, want := lists[len(paths)], slices.Concat(lists[:len(paths)]...)
				if len(got) == 0 || !slices.Equal(got, want) {
					t.Errorf("stream %s: %d frames, want %d; or they differ", s, len(got), len(want))
				}
			}
			if sound == "pcm_alaw" {
				var want string
				for _, p := range paths {
					want += mp4test.Run(t, "ffmpeg", "-v", "error", "-nostdin", "-i", p, "-map", "0:a", "-c", "copy", "-f", "alaw", "-")
				}
				if got := mp4test.Run(t, "ffmpeg", "-v", "error", "-nostdin", "-i", path, "-map", "0:a", "-c", "copy", "-f", "alaw", "-"); got != want {
					t.Errorf("sound of %d bytes, want %d", len(got), len(want))
				}
			}
			checkStamps(t, paths, path)
			checkTools(t, path, 150)
		})
	}
	if !sounds["aac"] || !sounds["pcm_alaw"] || !sounds[""] {
		t.Errorf("kinds of sound: %v", sounds)
	}
}

// checkStamps checks the times that ffprobe reads of the video of a joined file against those of parts of 2 s.
func checkStamps(t *testing.T, paths []string, path string) {
	t.Helper()
	var want []float64
	for i, p := range paths {
		own := stamps(t, p, "v", "pts_time")
		for _, v := range own {
			want = append(want, v-own[0]+2*float64(i))
		}
	}
	got := stamps(t, path, "v", "pts_time")
	if len(got) != len(want) {
		t.Fatalf("%d times, want %d", len(got), len(want))
	}
	for i, v := range got {
		if d := v - got[0] - want[i]; d > 0.00051 || d < -0.00051 {
			t.Errorf("picture %d at %f, want %f", i, v-got[0], want[i])
		}
	}
	for _, s := range []string{"v", "a"} {
		dts := stamps(t, path, s, "dts_time")
		for i := 1; i < len(dts); i++ {
			if dts[i] <= dts[i-1] {
				t.Errorf("stream %s: packet %d decoded at %f after %f", s, i, dts[i], dts[i-1])
			}
		}
	}
}

// TestJoinCodecChange joins parts of other parameter sets: a copy that ffmpeg makes, which keeps one sample entry
// only, still decodes whole, also where the first coding comes back.
func TestJoinCodecChange(t *testing.T) {
	t.Parallel() // it runs ffmpeg for the most part
	for _, c := range []struct{ name, codec, options, tag string }{
		{"h264", "libx264", "-x264-params", "avc1"},
		{"h265", "libx265", "-x265-params", "hvc1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mp4test.Need(t, "ffmpeg", "ffprobe", "mediainfo", "gst-launch-1.0")
			of := func(params string, size string) []string {
				return []string{"-f", "lavfi", "-i", "testsrc2=size=" + size + ":rate=25:duration=2", "-pix_fmt", "yuv420p", "-threads", "1",
					"-c:v", c.codec, "-preset", "ultrafast", "-tag:v", c.tag, c.options, params}
			}
			log := ":log-level=none:pools=none"
			if c.name == "h264" {
				log = ""
			}
			one, two := of("keyint=25:bframes=0"+log, "320x180"), of("keyint=10:bframes=2:ref=4"+log, "320x180")
			if c.name == "h265" {
				two = of("keyint=10:bframes=2:ctu=32:no-sao=1"+log, "320x180")
			}
			paths, payloads, parts := makeParts(t, "a.mp4", one, two, one, two)
			path := writeJoined(t, parts, payloads, join.Options{})
			m := mp4test.Parse(t, mp4test.Open(t, path))
			if got := len(m.Video().Entries); got != 2 {
				t.Fatalf("%d sample entries, want 2", got)
			}
			checkTools(t, path, 200)
			checkStamps(t, paths, path)
			clone := mp4test.FFmpeg(t, "copy.mp4", "-i", path, "-map", "0", "-c", "copy")
			if got := decoded(t, clone); got != 200 {
				t.Errorf("%d pictures in the copy, want 200", got)
			}
		})
	}
}

// TestJoinNeighbours checks that two clips have, one after the other, the frames of the clip of both.
func TestJoinNeighbours(t *testing.T) {
	f := mp4test.Footage()[0]
	_, payloads, parts := makeParts(t, f.File, f.Args, f.Args, f.Args, f.Args)
	all := writeJoined(t, parts, payloads, join.Options{})
	left := writeJoined(t, parts[:1], payloads[:1], join.Options{})
	right := writeJoined(t, parts[1:], payloads[1:], join.Options{})
	for _, s := range []string{"v", "a"} {
		lists := packets(t, s, left, right, all)
		if got, want := slices.Concat(lists[:2]...), lists[2]; len(got) == 0 || !slices.Equal(got, want) {
			t.Errorf("stream %s: %d frames, want %d; or they differ", s, len(got), len(want))
		}
	}
}

// TestJoinSoundComesAndGoes joins parts with sound and without: all of it is there and stands where its video does.
func TestJoinSoundComesAndGoes(t *testing.T) {
	mp4test.Need(t, "ffmpeg", "ffprobe", "mediainfo", "gst-launch-1.0")
	with := mp4test.Footage()[0].Args
	without := append(slices.Clone(with), "-an")
	for _, c := range []struct {
		name  string
		parts [][]string
		begin float64
	}{
		{"begins late", [][]string{without, with, with}, 2},
		{"ends early", [][]string{with, without}, 0},
		{"is away for a while", [][]string{with, without, with}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, payloads, parts := makeParts(t, "a.mp4", c.parts...)
			path := writeJoined(t, parts, payloads, join.Options{})
			checkTools(t, path, 50*len(c.parts))
			video, sound := stamps(t, path, "v", "pts_time"), stamps(t, path, "a", "pts_time")
			if off := sound[0] - video[0] - c.begin; off > 0.001 || off < -0.065 { // AAC begins with what it is primed with
				t.Errorf("sound begins at %f, video at %f", sound[0], video[0])
			}
			total := 0
			for i, args := range c.parts {
				if slices.Contains(args, "-an") {
					continue
				}
				own := head(partOf(t, payloads[i], 0)).Sound()
				if off := sound[total] - video[50*i]; off > 0.03 || off < -0.065 {
					t.Errorf("sound of part %d is off by %f", i, off)
				}
				total += int(own.Sizes.Len())
			}
			if len(sound) != total {
				t.Errorf("%d sound frames, want %d", len(sound), total)
			}
		})
	}
}

// TestJoinGapsFFmpeg checks with ffprobe where parts are on both sides of a gap.
func TestJoinGapsFFmpeg(t *testing.T) {
	f := mp4test.Footage()[0]
	_, payloads, parts := makeParts(t, f.File, f.Args, f.Args)
	parts[1].Start, parts[1].GapBefore = 12*time.Second, true
	for _, c := range []struct {
		gaps join.GapPolicy
		want float64
	}{{join.CloseGaps, 2}, {join.KeepGaps, 12}} {
		path := writeJoined(t, parts, payloads, join.Options{Gaps: c.gaps})
		got := stamps(t, path, "v", "pts_time")
		if d := fmt.Sprintf("%.3f", got[50]-got[0]); d != fmt.Sprintf("%.3f", c.want) {
			t.Errorf("policy %d: second part at %s, want %.3f", c.gaps, d, c.want)
		}
	}
}
