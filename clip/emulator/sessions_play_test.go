//go:build e2e

package emulator_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
)

// frameHashes gives a hash of each decoded frame of each stream, in order. What ffmpeg warns of fails the test.
func frameHashes(t *testing.T, input ...string) (all [2][]string) {
	t.Helper()
	args := append(append([]string{"-v", "warning", "-nostdin"}, input...), "-map", "0:v?", "-map", "0:a?", "-fps_mode:v", "passthrough", "-f", "framemd5", "-")
	cmd := exec.CommandContext(t.Context(), tool(t, "ffmpeg"), args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil || said.Len() > 0 {
		t.Errorf("ffmpeg %s: %v\n%.2000s", strings.Join(input, " "), err, &said)
	}
	for line := range strings.Lines(string(out)) {
		if line[0] != '#' {
			fields := strings.Fields(line)
			stream := line[0] - '0'
			all[stream] = append(all[stream], fields[len(fields)-1])
		}
	}
	return all
}

// stored writes footage as it is stored to a file.
func stored(t *testing.T, fragments []footage.Fragment) string {
	t.Helper()
	var b bytes.Buffer
	if err := footage.WriteMatroska(&b, fragments); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "stored.mkv")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSessionsPlay: ffmpeg plays what is stored with HLS, in both containers, and with MPEG-DASH: each frame of picture and sound once and in
// order, with and without pictures that are shown in another order than they are decoded.
func TestSessionsPlay(t *testing.T) {
	ffmpeg := tool(t, "ffmpeg")
	from := time.Now().Truncate(time.Minute).Add(-10 * time.Minute)
	for _, kind := range []struct {
		name string
		args []string
	}{
		{"H.264, reordered, AAC", []string{"-c:v", "libx264", "-bf", "3", "-g", "50", "-c:a", "aac"}},
		{"H.265", []string{"-c:v", "libx265", "-x265-params", "log-level=none:keyint=50:bframes=0", "-an"}},
		{"H.264, G.711", []string{"-c:v", "libx264", "-g", "50", "-c:a", "pcm_alaw", "-ar", "8000"}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "source.mkv")
			args := append([]string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x96:r=25:d=10", "-f", "lavfi", "-i", "sine=d=10:r=48000", "-pix_fmt", "yuv420p"}, kind.args...)
			if out, err := exec.CommandContext(t.Context(), ffmpeg, append(args, file)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			media, err := footage.ReadFile(t.Context(), file)
			if err != nil {
				t.Fatal(err)
			}
			src := footage.NewRecording(media, from)
			c := startLoopback(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: src}}})
			path := stored(t, src.Fragments(footage.ByProducer, from, from.Add(time.Minute)))
			g711 := strings.Contains(kind.name, "G.711")
			var options []string
			if g711 {
				options = []string{"-guess_layout_max", "0"} // which ffmpeg tells of
			}
			want := frameHashes(t, append(options, "-i", path)...)
			for _, session := range []struct {
				protocol, container, mode string
			}{{"HLS", "MPEG_TS", "NEVER"}, {"HLS", "MPEG_TS", "ALWAYS"}, {"HLS", "FRAGMENTED_MP4", "NEVER"}, {"DASH", "", ""}} {
				in := object{"PlaybackMode": "ON_DEMAND", session.protocol + "FragmentSelector": ranged(producer, from, from.Add(time.Minute))}
				if session.protocol == "HLS" {
					in["ContainerFormat"], in["DiscontinuityMode"] = session.container, session.mode
				}
				u := c.session(session.protocol, in)
				input, want := []string{"-i", u}, want
				switch {
				case g711 && session.protocol == "HLS":
					master, _ := c.playlist(u)
					if strings.Contains(master, "alaw") || strings.Contains(master, "AUDIO") {
						t.Errorf("G.711 is in HLS:\n%s", master)
					}
					want[1] = nil
				case g711:
					input = append(options, input...)
				}
				got := frameHashes(t, input...)
				if session.protocol == "DASH" && want[1] != nil {
					// Where pictures end, the demuxer ends, and leaves out sound that goes on for a frame.
					got[1] = frameHashes(t, append([]string{"-vn"}, input...)...)[0]
				}
				for stream, want := range want {
					if got := got[stream]; !slices.Equal(got, want) {
						t.Errorf("%v, stream %d: %d frames, want %d: the first is right: %v, the last: %v", session, stream, len(got), len(want),
							len(got) > 0 && got[0] == want[0], len(got) > 0 && got[len(got)-1] == want[len(want)-1])
					}
				}
				if len(want[0]) != 250 {
					t.Errorf("%d frames are stored", len(want[0]))
				}
			}
		})
	}
}

// TestSessionsPlayLive: ffmpeg follows a stream live, and gets frames as they are stored, each once. (Its demuxer of MPEG-DASH skips what it
// asks for before it is there.)
func TestSessionsPlayLive(t *testing.T) {
	src := card(t)
	c := startLoopback(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: src}}})
	now := time.Now()
	// A long playlist lets a slow machine fall behind; ffmpeg begins at its last but two.
	u := c.session("HLS", object{"ContainerFormat": "MPEG_TS", "MaxMediaPlaylistFragmentResults": 100,
		"HLSFragmentSelector": object{"FragmentSelectorType": producer}})
	got := frameHashes(t, "-t", "12", "-i", u)[0]
	path := stored(t, src.Fragments(footage.ByProducer, now.Add(-30*time.Second), time.Now()))
	if all := strings.Join(frameHashes(t, "-i", path)[0], " "); len(got) < 290 || !strings.Contains(all, strings.Join(got[:290], " ")) {
		t.Errorf("%d frames, which are not stored so", len(got))
	}
}
