//go:build e2e

package emulator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	camera "clipfs/clip/emulator/producer"
)

// tagged writes some footage as official producers send it: clusters without a size, and each fragment's own tags behind its
// cluster.
func tagged(t *testing.T, src footage.Source, from, to time.Time) []byte {
	t.Helper()
	fragments := src.Fragments(footage.ByProducer, from, to.Add(-time.Millisecond))
	var out bytes.Buffer
	audio, _ := fragments[0].AudioTrack()
	if err := footage.WriteHeader(&out, fragments[0].VideoTrack(), audio); err != nil {
		t.Fatal(err)
	}
	for i, f := range fragments {
		var cluster bytes.Buffer
		if err := footage.WriteCluster(&cluster, f.Producer.UnixMilli(), f.Video(), f.Audio()); err != nil {
			t.Fatal(err)
		}
		_, children, _ := bytes.Cut(cluster.Bytes(), []byte{0xe7}) // what is before is the header of the cluster
		out.Write(slices.Concat(endless(0x1f43b675), []byte{0xe7}, children, tags("index", strconv.Itoa(i), "größe", "x")))
		if i%3 == 0 {
			out.Write(tags("third", ""))
		}
	}
	return out.Bytes()
}

// TestGetMediaTools: a Matroska reader that shares nothing with the emulator gets from GetMedia and from GetMediaForFragmentList each frame
// and each tag of ten minutes that were put, and ffmpeg the very streams; the AWS CLI gets what boto3 gets.
func TestGetMediaTools(t *testing.T) {
	python, ffmpeg, ffprobe, aws := tool(t, "/usr/bin/python3"), tool(t, "ffmpeg"), tool(t, "ffprobe"), tool(t, "/usr/bin/aws")
	c := startLoopback(t, emulator.Options{NoQuota: true})
	c.create("a", 24)
	now := time.Now().Truncate(time.Minute)
	body := tagged(t, card(t), now.Add(-10*time.Minute), now)
	dir := t.TempDir()
	file, merged := filepath.Join(dir, "put.mkv"), filepath.Join(dir, "merged.mkv")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.put("a", bytes.NewReader(body), camera.Options{}); err != nil {
		t.Fatal(err)
	}
	var out struct {
		Put, Frames, Tags, Read int
		Listed                  []int
		Type                    string
		Problems                []string
	}
	env := append(toolEnv(t, c), "PUT="+file, "MERGED="+merged)
	if err := json.Unmarshal([]byte(runTool(t, env, python, "testdata/media.py")), &out); err != nil {
		t.Fatal(err)
	}
	for _, p := range out.Problems {
		t.Error(p)
	}
	if out.Put != 300 || out.Frames < 600*25 || out.Tags != 2*300+100 || out.Read != out.Put || !slices.Equal(out.Listed, []int{33, 33}) || out.Type != "video/webm" {
		t.Errorf("read %+v", out)
	}
	hashes := func(name string) string {
		b, err := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-i", name, "-map", "0", "-c", "copy", "-f", "framemd5", "-").Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return string(b)
	}
	if got, want := hashes(merged), hashes(file); got != want || strings.Count(got, "\n") < out.Frames {
		t.Errorf("ffmpeg finds other streams, %d lines, in what was read than in what was put, %d", strings.Count(got, "\n"), strings.Count(want, "\n"))
	}

	// What ends with the stream ends well.
	ended := filepath.Join(dir, "ended.mkv")
	cmd := exec.CommandContext(t.Context(), aws, "kinesis-video-media", "get-media", "--endpoint-url", c.endpoint("a", "GET_MEDIA"), "--stream-name", "a",
		"--start-selector", "StartSelectorType=EARLIEST", "--output", "text", ended)
	cmd.Env = env
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the CLI has all", func() bool {
		for _, k := range c.server.Calls() {
			if k.API == "GetMedia" && k.Fragments == 600 {
				return true
			}
		}
		return false
	})
	c.control("/deleteStream", object{"StreamARN": c.describe(object{"StreamName": "a"}).StreamARN}).into(t, new(object))
	if err := cmd.Wait(); err != nil || strings.TrimSpace(said.String()) != "video/webm" {
		t.Fatalf("aws: %v: %s", err, &said)
	}
	told, err := exec.CommandContext(t.Context(), ffprobe, "-v", "error", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets", "-of", "csv=p=0", ended).Output()
	if err != nil {
		t.Fatalf("ffprobe: %v: %s", err, told)
	}
	if want := fmt.Sprintf("h264,%d\naac,%d\n", 600*25, out.Frames-600*25); string(told) != want {
		t.Errorf("ffprobe finds %q in the answer as it comes, want %q", told, want)
	}
}
