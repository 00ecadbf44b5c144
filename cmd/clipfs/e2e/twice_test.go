//go:build e2e

package e2e_test

import (
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// TestIngestedTwice: two recordings of one camera that overlap and were ingested side by side. A clip over both has the
// pictures that GetClip gives, whether it gives the newer alone or not, and says what it does not give.
func TestIngestedTwice(t *testing.T) {
	t.Parallel()
	base := joinedBase()
	file := recipe{size: "64x36", rate: "5", seconds: 60, gop: 10, sound: "aac", sample: 32000}.make(t, "twice")
	streams := []string{"--stream", spec("cam", file, base, ""), "--stream", spec("cam", file, base.Add(20_700*time.Millisecond), "")}
	for _, overlaps := range []string{"drop", "hide"} {
		e := harness.StartEmulator(t, append(streams, "--overlaps", overlaps)...)
		m := harness.StartMount(t, e)
		for _, length := range []string{"2m.mp4", "1h.mp4"} {
			path := m.Join("cam", nameOf(base), length)
			out := harness.Run(t, "ffprobe", "-v", "error", "-select_streams", "v", "-count_packets", "-show_entries", "stream=nb_read_packets",
				"-of", "csv=p=0", path)
			// All 300 of the older, and what the newer has from 60.7 s on: the fragment before lies over the older.
			if got := strings.TrimSpace(string(out)); got != "400" {
				t.Errorf("%s, %s: %s pictures, want 400", overlaps, length, got)
			}
			note := xattr(t, path, "user.clipfs.note")
			if !strings.Contains(note, base.Add(20_700*time.Millisecond).Format("15:04:05.000Z")) {
				t.Errorf("%s, %s: note %q", overlaps, length, note)
			}
		}
		if n := callsOf(t, e, "cam")["GetClip"]; n > 4 {
			t.Errorf("%s: %d calls of GetClip", overlaps, n)
		}
	}
}
