//go:build e2e

package footage_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
)

func TestImport(t *testing.T) {
	t.Parallel() // it runs ffmpeg for the most part
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			name := k.make(t, "4")
			m := read(t, name)
			video, samples := m.Video()
			if video.Codec != k.codecs[0] || video.Width != 160 || video.Height != 90 {
				t.Errorf("got %v %dx%d, want %v 160x90", video.Codec, video.Width, video.Height, k.codecs[0])
			}
			want := framesOf(t, name, "v")
			sameFrames(t, "video", frames(samples), want)
			zero := want[0].pts
			for i, s := range samples {
				if !near(s.PTS, want[i].pts-zero, time.Microsecond) {
					t.Fatalf("video frame %d is shown at %v, want %v", i, s.PTS, want[i].pts-zero)
				}
				if s.DTS > s.PTS || i > 0 && s.DTS <= samples[i-1].DTS {
					t.Fatalf("video frame %d is decoded at %v and shown at %v, the one before decoded at %v", i, s.DTS, s.PTS, samples[max(i-1, 0)].DTS)
				}
			}
			if d := m.Duration(); !near(d, 4*time.Second, 40*time.Millisecond) {
				t.Errorf("got duration %v, want 4 s", d)
			}
			compareAudio(t, m, name, k, zero)
		})
	}
}

// compareAudio compares the audio of media with a file.
func compareAudio(t *testing.T, m *footage.Media, name string, k kind, zero time.Duration) {
	t.Helper()
	audio, samples, ok := m.Audio()
	if !ok {
		if len(k.codecs) > 1 {
			t.Error("no audio")
		}
		return
	}
	if audio.Codec != k.codecs[1] {
		t.Errorf("got %v, want %v", audio.Codec, k.codecs[1])
	}
	if got, want := join(samples), raw(t, name, "a"); !bytes.Equal(got, want) {
		t.Errorf("got %d bytes of audio, want other %d", len(got), len(want))
	}
	want := framesOf(t, name, "a")
	if filepath.Ext(name) != ".mov" {
		sameFrames(t, "audio", frames(samples), want)
		for i, s := range samples {
			if !near(s.PTS, want[i].pts-zero, time.Microsecond) {
				t.Fatalf("audio frame %d is at %v, want %v", i, s.PTS, want[i].pts-zero)
			}
		}
	}
	if got, want := samples[0].PTS, want[0].pts-zero; !near(got, want, time.Microsecond) {
		t.Errorf("audio starts at %v, want %v", got, want)
	}
}

func TestImportErrors(t *testing.T) {
	tool(t, "ffmpeg")
	make := func(args ...string) string {
		name := filepath.Join(t.TempDir(), args[0])
		encode(t, name, args[1:]...)
		return name
	}
	source := []string{"-f", "lavfi", "-i", "testsrc2=s=64x64:r=5:d=3"}
	long := []string{"-f", "lavfi", "-i", "testsrc2=s=64x64:r=5:d=30"}
	damaged := make(append(append([]string{"d.mkv"}, source...), "-c:v", "libx264")...)
	data, err := os.ReadFile(damaged)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(damaged, data[:len(data)-1000], 0o600); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("this is no video"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, file string
		want       error
	}{
		{"mpeg-4 video", make(append(append([]string{"a.mp4"}, source...), "-c:v", "mpeg4")...), footage.ErrUnsupportedMedia},
		{"vp8", make(append(append([]string{"a.mkv"}, source...), "-c:v", "libvpx")...), footage.ErrUnsupportedMedia},
		{"audio only", make("a.mp4", "-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac"), footage.ErrUnsupportedMedia},
		{"mp3", make(append(append([]string{"a.mkv"}, source...), "-f", "lavfi", "-i", "sine=d=1", "-c:v", "libx264", "-c:a", "libmp3lame")...), footage.ErrUnsupportedMedia},
		{"fragmented", make(append(append([]string{"a.mp4"}, source...), "-c:v", "libx264", "-movflags", "frag_keyframe+empty_moov")...), footage.ErrUnsupportedMedia},
		{"no key frame for 30 s", make(append(append([]string{"a.mp4"}, long...), "-c:v", "libx264", "-g", "1000", "-sc_threshold", "0")...), footage.ErrUnsupportedMedia},
		{"cut off", damaged, footage.ErrInvalidMedia},
		{"text", text, footage.ErrInvalidMedia},
		{"missing", filepath.Join(t.TempDir(), "missing"), os.ErrNotExist},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := footage.ReadFile(t.Context(), tt.file); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}
