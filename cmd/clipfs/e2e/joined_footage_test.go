//go:build e2e

package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// recipe is what a recording is made of.
type recipe struct {
	// size and rate of the picture, seconds of it, and how many pictures are between key frames.
	size, rate   string
	seconds, gop int
	// h265 is for H.265 instead of H.264, reorder for two B-frames in a row.
	h265, reorder bool
	// pts is an expression for the times of the pictures, for a rate that varies; empty for one that does not.
	pts string
	// sound is "aac", "pcm_alaw", "pcm_mulaw" or empty, at so many samples a second.
	sound  string
	sample int
}

// make makes the recording and gives its path. Groups of pictures are closed.
func (r recipe) make(t *testing.T, name string) string {
	t.Helper()
	args := []string{"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%s:rate=%s:duration=%d", r.size, r.rate, r.seconds)}
	if r.sound != "" {
		args = append(args, "-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=500:sample_rate=%d:duration=%d", r.sample, r.seconds))
	}
	if r.pts != "" {
		args = append(args, "-vf", "settb=1/1000,setpts="+r.pts, "-fps_mode", "passthrough", "-enc_time_base", "1/1000")
	}
	reorder := 0
	if r.reorder {
		reorder = 2
	}
	args = append(args, "-threads", "1", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-crf", "45")
	if r.h265 {
		args = append(args, "-c:v", "libx265", "-tag:v", "hvc1", "-x265-params",
			fmt.Sprintf("keyint=%d:min-keyint=%d:scenecut=0:open-gop=0:bframes=%d:b-adapt=0:pools=none:frame-threads=1:log-level=error", r.gop, r.gop, reorder))
	} else {
		args = append(args, "-c:v", "libx264", "-x264-params",
			fmt.Sprintf("keyint=%d:min-keyint=%d:scenecut=0:open-gop=0:bframes=%d:b-adapt=0:threads=1", r.gop, r.gop, reorder))
	}
	switch r.sound {
	case "":
	case "aac":
		args = append(args, "-c:a", "aac", "-aac_coder", "fast", "-b:a", "8k")
	default: // ffmpeg puts G.711 into no MP4
		return harness.FFmpeg(t, name+".mkv", append(args, "-c:a", r.sound)...)
	}
	return harness.FFmpeg(t, name+".mp4", args...)
}

// silenced gives a recording without its sound, its video coded as it was.
func silenced(t *testing.T, path string) string {
	t.Helper()
	return harness.FFmpeg(t, "silenced.mp4", "-i", path, "-map", "0:v", "-c", "copy")
}

// spec says to --stream what was recorded, and from when on.
func spec(name, path string, at time.Time, options string) string {
	return fmt.Sprintf("%s=%s@%s%s", name, path, at.UTC().Format(time.RFC3339Nano), options)
}
