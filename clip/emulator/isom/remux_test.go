//go:build e2e

package isom_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4/mp4test"

	"github.com/google/go-cmp/cmp"
)

// TestRemux takes files of another muxer apart and puts them together again: every demuxer we have must see the same
// frames at the same times.
func TestRemux(t *testing.T) {
	t.Parallel() // it runs ffmpeg for the most part
	for _, f := range mp4test.Footage() {
		t.Run(f.Name, func(t *testing.T) {
			mp4test.Need(t, "ffmpeg", "ffprobe", "mediainfo")
			in := mp4test.FFmpeg(t, f.File, f.Args...)
			lowest, highest := offsets(mp4test.Remux(t, in).Tracks[0])
			if reorders := strings.Contains(f.Name, "b-frames"); reorders && highest == lowest {
				t.Errorf("composition offsets are all %d: this does not test what it says", lowest)
			}
			if signed := strings.Contains(f.Name, "signed"); signed != (lowest < 0) {
				t.Errorf("lowest composition offset %d, want one below 0: %t", lowest, signed)
			}
			paths := []string{in}
			for _, last := range []bool{false, true} {
				out := mp4test.Remux(t, in)
				out.MoovLast = last
				path := filepath.Join(t.TempDir(), "out.mp4")
				if err := os.WriteFile(path, mp4test.Build(t, out), 0o600); err != nil {
					t.Fatal(err)
				}
				paths = append(paths, path)
			}
			// hev1 becomes hvc1, which changes marks in the extradata (TestHVC1Complete).
			lists, fields := frames(t, strings.HasPrefix(f.Codecs, "hevc"), paths...), probe(t, in)
			for i, path := range paths[1:] {
				last := i == 1
				if diff := cmp.Diff(lists[0], lists[1+i]); diff != "" {
					t.Errorf("moov last %t: frames differ (-ffmpeg +ours):\n%s", last, diff)
				}
				got := probe(t, path)
				if diff := cmp.Diff(fields, got); diff != "" {
					t.Errorf("moov last %t: ffprobe differs (-ffmpeg +ours):\n%s", last, diff)
				}
				if got, want := got["codecs"], f.Codecs; got != want {
					t.Errorf("moov last %t: codecs %q, want %q", last, got, want)
				}
				mp4test.CheckMediaInfo(t, path, last)
			}
		})
	}
}

// offsets gives the bounds of a track's composition offsets.
func offsets(track isom.OutputTrack) (lowest, highest int32) {
	for i, r := range track.Samples {
		if i == 0 {
			lowest, highest = r.Offset, r.Offset
		}
		lowest, highest = min(lowest, r.Offset), max(highest, r.Offset)
	}
	return lowest, highest
}

// frames gives the coded frames that ffmpeg reads from files, with times and hashes; the hash of the extradata too unless it is to
// be left out. It decodes them as well, which has to succeed. One ffmpeg reads them all, as its start takes the longest.
func frames(t *testing.T, noExtra bool, paths ...string) [][]string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-v", "error", "-nostdin"}
	for _, path := range paths {
		args = append(args, "-threads", "1", "-i", path)
	}
	for i := range paths {
		file := strconv.Itoa(i)
		args = append(args, "-map", file, "-c", "copy", "-f", "framemd5", filepath.Join(dir, file), "-map", file, "-f", "null", "-")
	}
	mp4test.Run(t, "ffmpeg", args...)
	var lists [][]string
	for i := range paths {
		text, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(i)))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if len(lines) < 10 {
			t.Fatalf("ffmpeg read no frames: %q", text)
		}
		if noExtra {
			lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "#extradata") })
		}
		lists = append(lists, lines)
	}
	return lists
}

// probe gives the fields that ffprobe reads from a file and that do not depend on who wrote it.
func probe(t *testing.T, path string) map[string]any {
	t.Helper()
	text := mp4test.Run(t, "ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", path)
	var got struct {
		Streams []map[string]any `json:"streams"`
		Format  map[string]any   `json:"format"`
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	fields := map[string]any{"start": got.Format["start_time"], "duration": got.Format["duration"]}
	var codecs []string
	for _, s := range got.Streams {
		kind, _ := s["codec_type"].(string)
		name, _ := s["codec_name"].(string)
		codecs = append(codecs, name)
		for _, key := range []string{
			"codec_name", "profile", "width", "height", "pix_fmt", "has_b_frames", "time_base", "start_pts", "duration_ts",
			"nb_frames", "avg_frame_rate", "sample_rate", "channels", "extradata_size",
		} {
			fields[kind+"."+key] = s[key]
		}
	}
	fields["codecs"] = strings.Join(codecs, " ")
	return fields
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
		entry := isom.NewHEVCEntry(give, 320, 180)
		if got := entry[len(entry)-len(c.want):]; !bytes.Equal(got, c.want) {
			t.Errorf("%s: got % x, want % x", c.name, got, c.want)
		}
		if !bytes.Equal(give, c.give) {
			t.Errorf("%s: the record given was changed", c.name)
		}
	}
}
