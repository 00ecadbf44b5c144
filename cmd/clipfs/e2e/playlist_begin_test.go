//go:build e2e

package e2e_test

import (
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// TestPlaylistBegins: ffmpeg finds the beginning of a playlist of B-frames when it is told to seek there. It looks 3/23 s further back
// in such footage, and two B-frames at 25 pictures a second are decoded 80 ms before they are shown.
func TestPlaylistBegins(t *testing.T) {
	t.Parallel()
	file := harness.FFmpeg(t, "b.mkv", "-f", "lavfi", "-i", "testsrc=size=160x96:rate=25", "-t", "20", "-c:v", "libx264", "-preset", "ultrafast",
		"-bf", "2", "-g", "50", "-sc_threshold", "0", "-pix_fmt", "yuv420p")
	at := time.Now().UTC().Add(-2 * time.Hour).Truncate(time.Minute)
	e := harness.StartEmulator(t, "--stream", "cam="+file+"@"+at.Format(time.RFC3339))
	m := harness.StartMount(t, e)
	for seek, want := range map[string]int{"0": 500, "0.001": 499, "1.5": 462} {
		out := harness.Run(t, "ffmpeg", "-nostdin", "-v", "error", "-ss", seek, "-i", m.Join("cam", nameOf(at), "1m.m3u8"), "-map", "0:v", "-f", "framecrc", "-")
		pictures := 0
		for line := range strings.Lines(string(out)) {
			if !strings.HasPrefix(line, "#") {
				pictures++
			}
		}
		if pictures != want {
			t.Errorf("from %s s on: %d pictures, want %d", seek, pictures, want)
		}
	}
}
