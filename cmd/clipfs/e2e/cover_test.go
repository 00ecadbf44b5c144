//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// TestCover: with fragments of 10 s, a cover clip begins with the key frame of the fragment that was running at the
// asked instant, the plain clip with the next one; neighbours of plain clips have every frame once.
func TestCover(t *testing.T) {
	t.Parallel()
	const fragment, all = 10 * time.Second, 4 * time.Minute
	file := harness.FFmpeg(t, "long.mp4", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=160x90:rate=10:duration=%d", all/time.Second),
		"-threads", "1", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "100", "-keyint_min", "100", "-sc_threshold", "0")
	from := testStart()
	spec := fmt.Sprintf("cam=%s@%s", file, from.Format(time.RFC3339Nano))
	e := harness.StartEmulator(t, "--stream", spec)
	m := harness.StartMount(t, e)

	asked := from.Add(65 * time.Second)
	dir := m.Join("cam", nameOf(asked))
	running := from.Add(60 * time.Second)
	for _, name := range []string{"1m.cover.mp4", "60s.cover.mp4", nameOf(asked.Add(time.Minute)) + ".cover.mp4"} {
		sameFrames(t, dir+"/"+name, stored(t, spec, running, asked.Add(time.Minute)))
	}
	if got := e.Calls(t, "GetClip"); got != 1 {
		t.Errorf("one cover clip by three names cost %d GetClip calls", got)
	}
	sameFrames(t, dir+"/1m.mp4", stored(t, spec, running.Add(fragment), asked.Add(time.Minute)))
	next := m.Join("cam", nameOf(asked.Add(time.Minute)), "1m.mp4")
	both := append(packets(t, dir+"/1m.mp4", "v"), packets(t, next, "v")...)
	if want := storedVideo(stored(t, spec, asked, asked.Add(2*time.Minute))); !slices.Equal(both, want) {
		t.Errorf("neighbours have %d frames, want %d", len(both), len(want))
	}
	// Nothing starts in these three seconds, but something was running.
	sameFrames(t, dir+"/3s.cover.mp4", stored(t, spec, running, running.Add(fragment)))
	if _, err := os.Stat(dir + "/3s.mp4"); !os.IsNotExist(err) {
		t.Errorf("a plain clip in which nothing starts: %v", err)
	}
	end := from.Add(all)
	sameFrames(t, m.Join("cam", "last", "25s.cover.mp4"), stored(t, spec, end.Add(-30*time.Second), end))
	sameFrames(t, m.Join("cam", "last", "25s.mp4"), stored(t, spec, end.Add(-20*time.Second), end))

	if got, want := xattr(t, dir+"/1m.cover.mp4", "user.clipfs.first"), running.Format("2006-01-02T15:04:05.000Z"); got != want {
		t.Errorf("user.clipfs.first: %s, want %s", got, want)
	}
	text, err := os.ReadFile(dir + "/1m.cover.json")
	if err != nil {
		t.Fatal(err)
	}
	var sidecar struct {
		Start  string
		Offset float64 `json:"offset_seconds"`
		Totals struct{ Fragments int }
	}
	if err := json.Unmarshal(text, &sidecar); err != nil || sidecar.Offset != -5 || sidecar.Totals.Fragments != 7 ||
		sidecar.Start != asked.Format("2006-01-02T15:04:05.000Z") {
		t.Errorf("sidecar: %v, %+v", err, sidecar)
	}
	for _, dir := range []string{dir, m.Join("cam", "last")} {
		if listed := string(harness.Run(t, "ls", dir)); !strings.Contains(listed, "1m.mp4") || strings.Contains(listed, "cover") {
			t.Errorf("%s lists %q, want plain clips only", dir, listed)
		}
	}
}
