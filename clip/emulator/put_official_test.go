//go:build e2e

package emulator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/wire"
)

// TestPutMediaOfficialProducers: a producer that behaves as the official ones do, and is not ours, ends cleanly with all
// of its fragments persisted. It keeps the body open until it hears of the last one, and signs every header that it sends.
func TestPutMediaOfficialProducers(t *testing.T) {
	ffmpeg, python := tool(t, "ffmpeg"), tool(t, "/usr/bin/python3")
	sent := filepath.Join(t.TempDir(), "sent.mkv")
	args := ffmpegArgs("-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-sc_threshold", "0", "-map", "1:a", "-c:a", "aac")
	media, err := exec.CommandContext(t.Context(), ffmpeg, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(sent, media, 0o600); err != nil {
		t.Fatal(err)
	}
	c := startLoopback(t, emulator.Options{Credentials: wire.Credentials{Key: "AKTEST", Secret: "secret"}})
	began := time.Now().Add(-time.Hour).Truncate(time.Second)
	for _, way := range []string{"tagged", "sized"} {
		t.Run(way, func(t *testing.T) {
			c.create(way, 24)
			cmd := exec.CommandContext(t.Context(), python, "testdata/producer.py", c.endpoint(way, "PUT_MEDIA"), way,
				"AKTEST", "secret", fmt.Sprint(began.Unix()), way)
			cmd.Stdin = bytes.NewReader(media)
			var complaint bytes.Buffer
			cmd.Stderr = &complaint
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("producer: %v: %s", err, complaint.Bytes())
			}
			var told struct {
				Sent  int
				Clean bool
				Acks  []struct{ EventType string }
			}
			if err := json.Unmarshal(out, &told); err != nil {
				t.Fatal(err)
			}
			persisted := 0
			for _, a := range told.Acks {
				if a.EventType == "PERSISTED" {
					persisted++
				}
			}
			if told.Sent != 6 || persisted != 6 || !told.Clean {
				t.Errorf("%d of %d fragments persisted, ended cleanly: %t", persisted, told.Sent, told.Clean)
			}
			if n := len(c.list(way, producer, began, began.Add(time.Minute))); n != 6 {
				t.Errorf("%d fragments listed, want 6", n)
			}
			clip := filepath.Join(t.TempDir(), "clip.mp4")
			if err := os.WriteFile(clip, c.mustClip(way, began, began.Add(time.Minute)), 0o600); err != nil {
				t.Fatal(err)
			}
			checkClip(t, way, sent, clip, "a")
		})
	}
}
