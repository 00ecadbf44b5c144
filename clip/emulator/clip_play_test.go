//go:build e2e

package emulator_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/payload"
	camera "clipfs/clip/emulator/producer"
	"clipfs/clip/emulator/wire"
)

// probe runs ffprobe on an MP4 and gives what it prints for the entries.
func probe(t *testing.T, mp4 []byte, args ...string) string {
	t.Helper()
	args = append([]string{"-v", "error", "-of", "csv=p=0"}, append(args, "-i", "pipe:0")...)
	cmd := exec.CommandContext(t.Context(), tool(t, "ffprobe"), args...)
	cmd.Stdin = bytes.NewReader(mp4)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestGetClipPlays(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	for name, o := range map[string]payload.Options{
		"builtin": {}, "ffmpeg": {Muxer: payload.MuxerFFmpeg}, "ffmpeg-defaults": {Muxer: payload.MuxerFFmpegDefaults},
	} {
		if o.Muxer != payload.MuxerBuiltin {
			tool(t, "ffmpeg")
		}
		c := startLoopback(t, emulator.Options{Payload: o, Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
		r := c.clip(c.endpoint("a", "GET_CLIP"), "a", producer, now.Add(-30*time.Second), now.Add(-10*time.Second-time.Millisecond))
		if r.status != http.StatusOK {
			t.Fatalf("%s: %d %s", name, r.status, r.body)
		}
		got := probe(t, r.body, "-select_streams", "v", "-count_packets", "-show_entries", "stream=codec_name,width,height,nb_read_packets")
		if want := "h264,320,180,500"; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		created, err := time.Parse(time.RFC3339Nano, probe(t, r.body, "-show_entries", "format_tags=creation_time"))
		if err != nil || created.Before(now) || created.After(time.Now().Add(time.Minute)) {
			t.Errorf("%s: created %s, want now, %s: %v", name, created, now, err)
		}
	}
}

// A stream whose camera was exchanged: each half can be had, the whole cannot.
func TestGetClipCodecChange(t *testing.T) {
	ffmpeg := tool(t, "ffmpeg")
	now := time.Now().UTC().Truncate(time.Second)
	var streams []emulator.Stream
	for i, size := range []string{"160x96", "128x80"} {
		file := filepath.Join(t.TempDir(), size+".mp4")
		out, err := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-threads", "1", "-f", "lavfi", "-i", "testsrc=r=10:d=4:s="+size,
			"-c:v", "libx264", "-preset", "ultrafast", "-g", "20", "-pix_fmt", "yuv420p", "-y", file).CombinedOutput()
		if err != nil {
			t.Fatalf("ffmpeg: %v: %s", err, out)
		}
		begin := now.Add(-time.Minute).Add(time.Duration(i) * 4 * time.Second)
		spec, err := footage.ParseSpec(fmt.Sprintf("cam=%s@%s", file, begin.Format(time.RFC3339)))
		if err != nil {
			t.Fatal(err)
		}
		src, err := spec.Open(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, emulator.Stream{Name: wire.StreamName(spec.Name), Source: src})
	}
	c := startLoopback(t, emulator.Options{Streams: streams})
	data := c.endpoint("cam", "GET_CLIP")
	from := now.Add(-time.Minute)
	for _, half := range []struct {
		from, to time.Duration
		size     string
	}{{0, 3 * time.Second, "160,96,40"}, {4 * time.Second, 8 * time.Second, "128,80,40"}} {
		r := c.clip(data, "cam", producer, from.Add(half.from), from.Add(half.to))
		if got := probe(t, r.body, "-count_packets", "-show_entries", "stream=width,height,nb_read_packets"); got != half.size {
			t.Errorf("half: %s, want %s", got, half.size)
		}
	}
	c.clip(data, "cam", producer, from, now).wantError(t, 400, "InvalidCodecPrivateDataException",
		"The codec private data is not consistent between all fragments.")
}

// The clip of pushed footage is one of the kind that clips are.
func TestDataClipIsMP4(t *testing.T) {
	c, _ := on(t, emulator.Options{Data: t.TempDir()})
	c.create("a", 24)
	now := time.Now().Truncate(2 * time.Second)
	c.putCard("a", now.Add(-20*time.Second), now, camera.Options{})
	clip := c.mustClip("a", now.Add(-20*time.Second), now)
	got := probe(t, clip, "-select_streams", "v", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets")
	if got != "h264,500" {
		t.Errorf("ffprobe says %s", got)
	}
}
