//go:build e2e

package emulator_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	camera "clipfs/clip/emulator/producer"
	"clipfs/clip/emulator/wire"
)

// ffmpegArgs makes 6 s of video with key frames every second and writes Matroska to a pipe, a cluster a second.
func ffmpegArgs(coding ...string) []string {
	args := []string{"-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=6", "-f", "lavfi", "-i", "sine=f=440:b=2:d=6",
		"-map", "0:v", "-pix_fmt", "yuv420p", "-threads", "1"}
	return append(append(args, coding...), "-cluster_size_limit", "49000000", "-cluster_time_limit", "19000", "-f", "matroska", "-")
}

// framesOf gives the hashes of the coded frames of a kind of stream in a file, as ffmpeg reads it.
func framesOf(t *testing.T, name, stream string) []string {
	t.Helper()
	out := runTool(t, []string{"PATH=/usr/bin:/bin"}, tool(t, "ffmpeg"), "-v", "error", "-nostdin", "-i", name, "-map", "0:"+stream, "-c", "copy", "-f", "framemd5", "-")
	var hashes []string
	for line := range strings.Lines(out) {
		if f := strings.Split(strings.TrimSpace(line), ","); len(f) == 6 && !strings.HasPrefix(line, "#") {
			hashes = append(hashes, strings.TrimSpace(f[5]))
		}
	}
	if len(hashes) == 0 {
		t.Fatalf("no frames in %s", name)
	}
	return hashes
}

// What ffmpeg makes comes back frame by frame.
func TestPutMediaFFmpeg(t *testing.T) {
	ffmpeg := tool(t, "ffmpeg")
	h264 := []string{"-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-sc_threshold", "0"}
	hevc := []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:pools=1:keyint=25:min-keyint=25:open-gop=0"}
	tests := []struct {
		name   string
		coding []string
		audio  string
	}{
		{"h264 with B-frames, aac, live", append(slices.Clone(h264), "-map", "1:a", "-c:a", "aac", "-live", "1"), "a"},
		{"h264, aac, with sizes", append(slices.Clone(h264), "-bf", "0", "-map", "1:a", "-c:a", "aac"), "a"},
		{"h264 alone", append(slices.Clone(h264), "-live", "1"), ""},
		{"h265, G.711", append(slices.Clone(hevc), "-map", "1:a", "-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1", "-live", "1"), "blocks"},
	}
	c := startLoopback(t, emulator.Options{NoQuota: true, Credentials: wire.Credentials{Key: "AKTEST", Secret: "secret"}})
	for i, tt := range tests {
		name := fmt.Sprint("s", i)
		c.create(name, 24)
		sent := filepath.Join(t.TempDir(), "sent.mkv")
		file, err := os.Create(sent)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), ffmpeg, ffmpegArgs(tt.coding...)...)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		began := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
		acks, err := c.put(name, io.TeeReader(out, file), camera.Options{Timecodes: camera.Relative, Start: began})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: ffmpeg: %v", tt.name, err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		if n := len(camera.Numbers(acks)); n != 6 {
			t.Errorf("%s: %d fragments, want 6", tt.name, n)
		}
		clip := filepath.Join(t.TempDir(), "clip.mp4")
		if err := os.WriteFile(clip, c.mustClip(name, began.Add(-time.Second), began.Add(time.Minute)), 0o600); err != nil {
			t.Fatal(err)
		}
		checkClip(t, tt.name, sent, clip, tt.audio)
	}
}

// checkClip compares the frames of a clip with those of the file that was sent, and its length.
func checkClip(t *testing.T, name, sent, clip, audio string) {
	t.Helper()
	streams := []string{"v"}
	switch audio {
	case "a":
		streams = append(streams, "a")
	case "blocks": // ffmpeg divides G.711 in MP4 as it likes.
		ffmpeg := func(file string) string {
			return runTool(t, []string{"PATH=/usr/bin:/bin"}, tool(t, "ffmpeg"), "-v", "error", "-nostdin", "-i", file, "-map", "0:a", "-c", "copy", "-f", "data", "-")
		}
		if got, want := ffmpeg(clip), ffmpeg(sent); got != want || want == "" {
			t.Errorf("%s: %d bytes of audio that are not the %d sent", name, len(got), len(want))
		}
	}
	for _, s := range streams {
		got, want := framesOf(t, clip, s), framesOf(t, sent, s)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d frames of %s that are not the %d sent", name, len(got), s, len(want))
		}
	}
	b, err := os.ReadFile(clip)
	if err != nil {
		t.Fatal(err)
	}
	// B-frames make one frame's time of difference, where a player begins.
	d := probe(t, b, "-select_streams", "v", "-show_entries", "stream=duration")
	if !strings.HasPrefix(d, "6.0") && !strings.HasPrefix(d, "5.9") {
		t.Errorf("%s: the video lasts %s s", name, d)
	}
}

// A program that we did not write sends media: curl, with what ffmpeg writes into a pipe.
func TestPutMediaCurl(t *testing.T) {
	ffmpeg, curl := tool(t, "ffmpeg"), tool(t, "curl")
	c := startLoopback(t, emulator.Options{Credentials: wire.Credentials{Key: "AKTEST", Secret: "secret"}})
	c.create("a", 24)
	began := time.Now().Add(-time.Hour)
	coding := []string{"-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-sc_threshold", "0", "-live", "1"}
	source := exec.CommandContext(t.Context(), ffmpeg, ffmpegArgs(coding...)...)
	send := exec.CommandContext(t.Context(), curl, "-sS", "--fail-with-body", "--max-time", "60", "-X", "POST", "-T", "-", "-N",
		"--aws-sigv4", "aws:amz:us-east-1:kinesisvideo", "--user", "AKTEST:secret",
		"-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", "-H", "x-amzn-stream-name: a", "-H", "x-amzn-fragment-timecode-type: RELATIVE",
		"-H", fmt.Sprintf("x-amzn-producer-start-timestamp: %d", began.Unix()), c.endpoint("a", "PUT_MEDIA")+"/putMedia")
	var err error
	if send.Stdin, err = source.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	var answer, complaint bytes.Buffer
	send.Stdout, send.Stderr = &answer, &complaint
	if err := source.Start(); err != nil {
		t.Fatal(err)
	}
	err = send.Run()
	if waited := source.Wait(); err == nil {
		err = waited
	}
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, complaint.Bytes(), answer.Bytes())
	}
	if n := bytes.Count(answer.Bytes(), []byte(`"EventType":"PERSISTED"`)); n != 6 || bytes.Contains(answer.Bytes(), []byte("ERROR")) {
		t.Errorf("%d fragments persisted, want 6: %s", n, answer.Bytes())
	}
}

// What a connection takes does not grow with what comes through it: beside what is under way there are 16 MiB that readers of a stream
// that keeps nothing may still ask for.
func TestPutMediaMemory(t *testing.T) {
	c := startLoopback(t, emulator.Options{NoQuota: true})
	c.create("a", 0)
	read, write := io.Pipe()
	var turn sync.Mutex // nothing is sent while memory is measured: what comes meanwhile counts as in use
	go func() {
		m := newMatroska()
		block := frame{1, 0, true}.block()
		for i := range 200 {
			media := slices.Concat(m.header, endless(0x1f43b675), element(0xe7, number(uint64(i)*2000)), element(0xa3, block, make([]byte, 2<<20)))
			m.header = nil
			turn.Lock()
			_, err := write.Write(media)
			turn.Unlock()
			if err != nil {
				return
			}
		}
		_ = write.Close() // It never fails.
	}()
	var most uint64
	received := 0
	_, err := c.put("a", read, camera.Options{OnAck: func(a camera.Ack) {
		if a.EventType != camera.Received {
			return
		}
		received++
		var m runtime.MemStats
		turn.Lock()
		defer turn.Unlock()
		runtime.GC()
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	}})
	if err != nil || received != 200 {
		t.Fatalf("%d fragments: %v", received, err)
	}
	if most > (64+16)<<20 {
		t.Errorf("%d MiB in use while 400 MiB came through", most>>20)
	}
}

// Media of which no clip can be made is taken in, and it is the clip that is refused.
func TestPutMediaWithoutClip(t *testing.T) {
	c := startLoopback(t, emulator.Options{NoQuota: true})
	m, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	video, frames := m.Video()
	now := time.Now().Truncate(time.Second)
	bad := frames[:50:50]
	f, err := footage.NewFragment("1", now, now, video, bad, nil, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	if err := footage.WriteMatroska(&whole, []footage.Fragment{f}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		media  []byte
		status int
		err    string
	}{
		{"no codec private data", newMatroska().cluster(uint64(now.UnixMilli()), frame{1, 0, true}), 400, "MissingCodecPrivateDataException"},
		{"another codec", bytes.Replace(whole.Bytes(), []byte("V_MPEG4/ISO/AVC"), []byte("V_MPEG4/ISO/ASP"), 1), 400, "UnsupportedStreamMediaTypeException"},
		{"whole", whole.Bytes(), http.StatusOK, ""},
	}
	for i, tt := range tests {
		name := fmt.Sprint("s", i)
		c.create(name, 24)
		if _, err := c.put(name, bytes.NewReader(tt.media), camera.Options{}); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		r := c.clip(c.endpoint(name, "GET_CLIP"), name, producer, now.Add(-time.Second), now.Add(time.Second))
		if got, _, _ := strings.Cut(r.header.Get("x-amzn-ErrorType"), ":"); r.status != tt.status || got != tt.err {
			t.Errorf("%s: %d %s %.200s, want %d %s", tt.name, r.status, got, r.body, tt.status, tt.err)
		}
	}
}
