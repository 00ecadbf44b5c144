//go:build e2e

package join_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/isom"
	"clipfs/clip/mp4"
	"clipfs/clip/mp4/join"
	"clipfs/clip/mp4/mp4test"
)

// lawParts has ffmpeg encode pictures and puts them into payloads of 2 s together with noise as G.711.
func lawParts(t *testing.T, coding mp4.FourCC, channels uint16, n int) (payloads [][]byte, parts []join.Part, sound []byte) {
	t.Helper()
	path := mp4test.FFmpeg(t, "v.mp4", "-f", "lavfi", "-i", "testsrc2=size=64x36:rate=5:duration=2", "-pix_fmt", "yuv420p", "-threads", "1",
		"-c:v", "libx264", "-preset", "ultrafast")
	video := mp4test.Remux(t, path)
	for i := range n {
		data := noise(16000*int(channels), uint64(i))
		out := video
		out.Tracks = append(out.Tracks[:1:1], isom.OutputTrack{
			Handler: isom.Sound, Timescale: 8000, Entries: [][]byte{isom.NewG711Entry(coding.String(), 8000, channels)},
			Samples: []isom.SampleRun{{Count: 16000, Duration: 1, Size: uint32(channels), Sync: true}},
		})
		out.Chunks = append(out.Chunks[:len(out.Chunks):len(out.Chunks)],
			isom.OutputChunk{Track: 1, Samples: 9000, Data: isom.Slices{data[:9000*int(channels)]}},
			isom.OutputChunk{Track: 1, Samples: 7000, Data: isom.Slices{data[9000*int(channels):]}})
		payload := mp4test.Build(t, out)
		payloads = append(payloads, payload)
		parts = append(parts, partOf(t, payload, time.Duration(i)*2*time.Second))
		sound = append(sound, data...)
	}
	return payloads, parts, sound
}

// TestJoinLawGapFFmpeg checks a kept gap in G.711 with ffmpeg, which would read it byte by byte if a sample were one, and
// with GStreamer, which would leave the gap out: all sound is there, on both sides of the gap at its time.
func TestJoinLawGapFFmpeg(t *testing.T) {
	for _, c := range []struct {
		name, format string
		coding       mp4.FourCC
		channels     uint16
	}{
		{"alaw", "alaw", mp4.CodingALaw, 1},
		{"ulaw, two channels", "mulaw", mp4.CodingULaw, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			mp4test.Need(t, "ffmpeg", "ffprobe", "mediainfo", "gst-launch-1.0")
			payloads, parts, sound := lawParts(t, c.coding, c.channels, 3)
			parts[2].Start, parts[2].GapBefore = 10*time.Second, true
			path := writeJoined(t, parts, payloads, join.Options{Gaps: join.KeepGaps})
			raw := filepath.Join(t.TempDir(), "sound")
			if err := os.WriteFile(raw, sound, 0o600); err != nil {
				t.Fatal(err)
			}
			want := pcmOf(t, "-f", c.format, "-ar", "8000", "-ac", fmt.Sprint(c.channels), "-i", raw)
			if got := pcmOf(t, "-i", path); got != want {
				t.Errorf("decoded sound of %d bytes, want %d; or it differs", len(got), len(want))
			}
			times := stamps(t, path, "a", "pts_time")
			if len(times) > 6*10+6 || times[0] != 0 {
				t.Errorf("%d packets from %f on", len(times), times[0])
			}
			second := 2 * int(c.channels) * 8000 // in bytes
			before, after := want[:4*second], want[4*second:]
			if got := pcmOf(t, "-ss", "10.5", "-i", path); got != after[second/2:] {
				t.Errorf("decoded from 10.5 s on: %d bytes, want %d; or they differ", len(got), len(after)-second/2)
			}
			silence := strings.Repeat("\x00", 6*second)
			if got := gstreamerPCM(t, path, c.format); got != before+silence+after {
				t.Errorf("GStreamer places %d bytes, want %d; or they differ", len(got), len(want)+len(silence))
			}
			checkTools(t, path, 30)
		})
	}
}
