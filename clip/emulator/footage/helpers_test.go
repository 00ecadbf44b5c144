package footage_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/payload"
	"clipfs/clip/mp4/encoded"
)

// tool skips a test where a program is missing, and fails it where nothing may be skipped.
func tool(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("CLIPFS_REQUIRE_ALL") == "1" {
			t.Fatalf("%s is missing", name)
		}
		t.Skipf("%s is missing", name)
	}
}

// run runs a program that must succeed and say nothing on stderr; it gives its stdout.
func run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}

// kind is a file that ffmpeg makes.
type kind struct {
	name   string
	file   string
	rate   string // frames a second
	video  []string
	audio  []string // none if empty
	format []string
	codecs []footage.Codec
	// open says that frames refer over key frames, so that a start in the middle cannot be decoded without complaint.
	open bool
}

// kinds are the files that imports and payloads are tested with.
func kinds() []kind {
	bframes := []string{"-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "25", "-threads", "1"}
	opengop := []string{"-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "25", "-threads", "1", "-x264-params", "open-gop=1"}
	noframes := []string{"-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", "10", "-threads", "1"}
	hevc := []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:pools=1:keyint=25:bframes=2:open-gop=0"}
	aac48 := []string{"-c:a", "aac", "-ar", "48000", "-b:a", "32k"}
	aac44 := []string{"-c:a", "aac", "-ar", "44100", "-ac", "2", "-b:a", "48k"}
	alaw := []string{"-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"}
	mulaw := []string{"-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1"}
	return []kind{
		{name: "h264 bframes aac mp4", file: "a.mp4", rate: "25", video: bframes, audio: aac48, codecs: []footage.Codec{footage.H264, footage.AAC}},
		{name: "h264 bframes aac mkv", file: "a.mkv", rate: "25", video: bframes, audio: aac44, codecs: []footage.Codec{footage.H264, footage.AAC}},
		{name: "h264 open gop mp4 faststart", file: "a.mp4", rate: "25", video: opengop, format: []string{"-movflags", "+faststart"}, codecs: []footage.Codec{footage.H264}, open: true},
		{name: "h264 29.97 aac mp4", file: "a.mp4", rate: "30000/1001", video: noframes, audio: aac44, codecs: []footage.Codec{footage.H264, footage.AAC}},
		{name: "h264 29.97 mkv", file: "a.mkv", rate: "30000/1001", video: bframes, codecs: []footage.Codec{footage.H264}},
		{name: "h265 hvc1 aac mp4", file: "a.mp4", rate: "25", video: hevc, audio: aac48, format: []string{"-tag:v", "hvc1"}, codecs: []footage.Codec{footage.H265, footage.AAC}},
		{name: "h265 hev1 mp4", file: "a.mp4", rate: "25", video: hevc, codecs: []footage.Codec{footage.H265}},
		{name: "h265 alaw mkv", file: "a.mkv", rate: "25", video: hevc, audio: alaw, codecs: []footage.Codec{footage.H265, footage.ALaw}},
		{name: "h264 mulaw mkv", file: "a.mkv", rate: "25", video: noframes, audio: mulaw, codecs: []footage.Codec{footage.H264, footage.MuLaw}},
		{name: "h264 alaw mov", file: "a.mov", rate: "25", video: bframes, audio: alaw, codecs: []footage.Codec{footage.H264, footage.ALaw}},
		{name: "h264 live mkv", file: "a.mkv", rate: "25", video: bframes, audio: aac48, format: []string{"-live", "1"}, codecs: []footage.Codec{footage.H264, footage.AAC}},
	}
}

// make makes the file, length seconds long.
func (k kind) make(t testing.TB, seconds string) string {
	t.Helper()
	tool(t, "ffmpeg")
	name := filepath.Join(t.TempDir(), k.file)
	args := []string{"-f", "lavfi", "-i", "testsrc2=s=160x90:r=" + k.rate + ":d=" + seconds}
	if k.audio != nil {
		args = append(args, "-f", "lavfi", "-i", "sine=f=440:b=2:d="+seconds)
	}
	args = append(args, "-pix_fmt", "yuv420p")
	args = append(args, k.video...)
	args = append(args, k.audio...)
	args = append(args, k.format...)
	encode(t, name, args...)
	return name
}

// encode has ffmpeg make a file, without a word.
func encode(t testing.TB, name string, args ...string) {
	t.Helper()
	if said, err := encoded.File(t.Context(), name, args...); err != nil || len(said) > 0 {
		t.Fatalf("ffmpeg %q: %v\n%s", args, err, said)
	}
}

// read imports a file.
func read(t testing.TB, name string) *footage.Media {
	t.Helper()
	m, err := footage.ReadFile(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// frame is one coded frame as ffmpeg or we see it.
type frame struct {
	dts, pts time.Duration
	size     int
	hash     string
}

// framesOf gives the coded frames of a stream ("v" or "a") of a file as ffmpeg copies them.
func framesOf(t testing.TB, name, stream string) []frame {
	t.Helper()
	return streamsOf(t, name, stream)[0]
}

// streamsOf gives those of several streams. One ffmpeg reads them all, as its start takes the longest.
func streamsOf(t testing.TB, name string, streams ...string) [][]frame {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-v", "error", "-nostdin", "-copyts", "-i", name}
	for i, stream := range streams {
		args = append(args, "-map", "0:"+stream, "-c", "copy", "-f", "framemd5", filepath.Join(dir, strconv.Itoa(i)))
	}
	run(t, "ffmpeg", args...)
	each := make([][]frame, len(streams))
	for i := range streams {
		made, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(i)))
		if err != nil {
			t.Fatal(err)
		}
		each[i] = framesIn(t, made)
	}
	return each
}

// framesIn reads what "-f framemd5" writes of one stream.
func framesIn(t testing.TB, out []byte) []frame {
	t.Helper()
	var frames []frame
	num, den := 0, 1
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if base, ok := strings.CutPrefix(line, "#tb 0: "); ok {
			a, b, _ := strings.Cut(base, "/")
			num, den = atoi(t, a), atoi(t, b)
			continue
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, ",")
		if len(f) < 6 {
			t.Fatalf("framemd5 line %q", line)
		}
		ticks := func(s string) time.Duration {
			return time.Duration(int64(atoi(t, strings.TrimSpace(s))) * int64(num) * int64(time.Second) / int64(den))
		}
		frames = append(frames, frame{dts: ticks(f[1]), pts: ticks(f[2]), size: atoi(t, strings.TrimSpace(f[4])), hash: strings.TrimSpace(f[5])})
	}
	return frames
}

func atoi(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// frames gives samples as frames.
func frames(samples []footage.Sample) []frame {
	var out []frame
	for _, s := range samples {
		sum := md5.Sum(s.Data)
		out = append(out, frame{dts: s.DTS, pts: s.PTS, size: len(s.Data), hash: hex.EncodeToString(sum[:])})
	}
	return out
}

// sameFrames compares number, order and hashes.
func sameFrames(t *testing.T, what string, got, want []frame) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d frames, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if got[i].hash != want[i].hash {
			t.Errorf("%s: frame %d of %d bytes is another, want one of %d bytes", what, i, got[i].size, want[i].size)
			return
		}
	}
}

// raw gives the bytes of a stream, packet after packet.
func raw(t testing.TB, name, stream string) []byte {
	t.Helper()
	return run(t, "ffmpeg", "-v", "error", "-nostdin", "-i", name, "-map", "0:"+stream, "-c", "copy", "-f", "data", "-")
}

// join gives the bytes of samples.
func join(samples []footage.Sample) []byte {
	var out []byte
	for _, s := range samples {
		out = append(out, s.Data...)
	}
	return out
}

// save renders a payload into a file.
func save(t testing.TB, frags []footage.Fragment, o payload.Options) string {
	t.Helper()
	o.TempDir = t.TempDir()
	p, err := payload.Plan(frags, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(o.TempDir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}()
	if err := p.Render(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "payload.mp4")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	n, err := p.WriteTo(file)
	if err != nil || n != p.Size() || n == 0 {
		t.Fatalf("wrote %d bytes, %v; size is %d", n, err, p.Size())
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

// stored gives the coded frames of fragments, their times from the first one's.
func stored(frags []footage.Fragment) (video, audio []footage.Sample) {
	for _, f := range frags {
		at := f.Producer.Sub(frags[0].Producer)
		for _, s := range f.Video() {
			s.PTS += at
			video = append(video, s)
		}
		for _, s := range f.Audio() {
			s.PTS += at
			audio = append(audio, s)
		}
	}
	return video, audio
}

// decode decodes a file; ffmpeg must not complain.
func decode(t testing.TB, name string) {
	t.Helper()
	run(t, "ffmpeg", "-v", "error", "-xerror", "-nostdin", "-threads", "1", "-i", name, "-f", "null", "-")
}

// near reports whether two times are within d.
func near(a, b, d time.Duration) bool { return a-b <= d && b-a <= d }

// day is a start for recordings.
func day() time.Time { return time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC) }

// compareTimes checks that frames are shown when they are stored to be: to the millisecond if that is the timescale.
func compareTimes(t *testing.T, o payload.Options, got []frame, want []footage.Sample) {
	t.Helper()
	slack := time.Duration(0)
	if o.Muxer == payload.MuxerFFmpegDefaults {
		slack = time.Millisecond
	}
	for i := range min(len(got), len(want)) {
		if g, w := got[i].pts-got[0].pts, want[i].PTS-want[0].PTS; !near(g, w, slack) {
			t.Fatalf("video frame %d is shown at %v, want %v", i, g, w)
		}
		if i > 0 && got[i].dts <= got[i-1].dts {
			t.Fatalf("video frame %d is decoded at %v, the one before at %v", i, got[i].dts, got[i-1].dts)
		}
	}
}
