//go:build e2e

package e2e_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"clipfs/cmd/internal/harness"
)

// witnessScript is the witness: an archive that shares no code with what is tested.
const witnessScript = "testdata/witness.py"

// startWitness starts the witness with some streams.
func startWitness(t *testing.T, streams ...harness.WitnessStream) *harness.Witness {
	t.Helper()
	return harness.StartWitness(t, witnessScript, streams...)
}

// witnessSources are the files that ffmpeg makes for the witness, each once, when it is first needed.
//
//nolint:gochecknoglobals // made once for all tests of the binary
var witnessSources = struct {
	mu   sync.Mutex
	made map[string]bool
}{made: make(map[string]bool)}

const (
	// witnessGroup is how many pictures a group has, and a second, unless there is one picture a second: the service takes
	// no fragments of less than a second.
	witnessGroup = 12
	// witnessFragments is how many groups there are: more than one call brings.
	witnessFragments = 215
)

// witnessPictures are the ways in which pictures are coded, in the order of the table.
func witnessPictures() []string {
	return []string{"h264", "h264 B", "h264 open", "h264 B open", "hevc", "hevc open", "vfr", "1 fps"}
}

// witnessSource gives the file of a coding of pictures, with AAC.
func witnessSource(t *testing.T, picture string) string {
	t.Helper()
	harness.Need(t, "ffmpeg", "ffprobe", "python3")
	witnessSources.mu.Lock()
	defer witnessSources.mu.Unlock()
	// The binary's directory is removed when all tests are over.
	path := func(name string) string {
		return filepath.Join(filepath.Dir(harness.Binary(t)), "witness-"+name+".mp4")
	}
	name := strings.ReplaceAll(picture, " ", "-")
	if witnessSources.made[name] {
		return path(name)
	}
	rate, seconds, frames := 32000, witnessFragments+1, witnessFragments*witnessGroup
	if picture == "1 fps" {
		rate, frames = 16000, witnessFragments
	}
	if sound := fmt.Sprint("sound", rate); !witnessSources.made[sound] {
		harness.FFmpegTo(t, path(sound), "-f", "lavfi", "-i", fmt.Sprintf("anoisesrc=color=pink:seed=7:sample_rate=%d:duration=%d", rate, seconds),
			"-c:a", "aac", "-q:a", "0.1") // of varying sizes, as a microphone gives
		witnessSources.made[sound] = true
	}
	args := []string{"-f", "lavfi", "-i", witnessCard(picture), "-i", path(fmt.Sprint("sound", rate)), "-map", "0:v", "-map", "1:a", "-c:a", "copy",
		"-frames:v", fmt.Sprint(frames)}
	harness.FFmpegTo(t, path(name), append(args, witnessCoder(picture)...)...)
	witnessSources.made[name] = true
	return path(name)
}

// witnessCard gives ffmpeg's source of pictures.
func witnessCard(picture string) string {
	switch picture {
	case "1 fps":
		return "testsrc2=size=64x64:rate=1"
	case "vfr": // 30 to 140 ms apart
		return "testsrc2=size=64x64:rate=12,settb=1/1000,setpts=N*85+mod(N*N*7\\,59)"
	}
	return "testsrc2=size=64x64:rate=12"
}

// witnessCoder gives ffmpeg's options for a coding of pictures.
func witnessCoder(picture string) []string {
	x264 := func(group, b int, params string) []string {
		return []string{"-threads", "1", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", fmt.Sprint(b),
			"-x264-params", fmt.Sprintf("keyint=%d:min-keyint=%d:scenecut=0:b-adapt=0:threads=1:%s", group, group, params)}
	}
	x265 := func(open int) []string {
		return []string{"-threads", "1", "-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params",
			fmt.Sprintf("keyint=%d:min-keyint=%d:scenecut=0:open-gop=%d:b-adapt=0:bframes=2:pools=none:frame-threads=1:log-level=error",
				witnessGroup, witnessGroup, open)}
	}
	switch picture {
	case "h264":
		return x264(witnessGroup, 0, "open-gop=0")
	case "h264 B":
		return x264(witnessGroup, 2, "open-gop=0")
	case "h264 open": // without B-frames it is an intra refresh that pictures can be begun at
		return x264(witnessGroup, 0, "intra-refresh=1")
	case "h264 B open":
		return x264(witnessGroup, 2, "open-gop=1")
	case "hevc":
		return x265(0)
	case "hevc open":
		return x265(1)
	case "vfr":
		return append(x264(witnessGroup, 2, "open-gop=0"), "-enc_time_base", "1/1000", "-fps_mode", "passthrough", "-video_track_timescale", "90000")
	}
	return x264(1, 0, "open-gop=0")
}
