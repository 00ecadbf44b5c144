//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"clipfs/clip/emulator/footage"
	"clipfs/cmd/internal/harness"
)

// TestJoinedDay: a clip of 24 h, of footage that goes round and has stamps, has every coded frame at its time, with
// sound whose frames are no whole number of milliseconds long; and at ten places the picture is the one that was recorded then.
func TestJoinedDay(t *testing.T) {
	t.Parallel()
	const day, into = 24 * time.Hour, 13 * time.Second
	base := time.Now().UTC().Add(-25 * time.Hour).Truncate(time.Minute).Add(300 * time.Millisecond)
	made := recipe{size: "64x36", rate: "1", seconds: 200, gop: 20, reorder: true, sound: "aac", sample: 7350}.make(t, "day")
	stream := spec("day", made, base, ",loop")
	m := harness.StartMount(t, harness.StartEmulator(t, "--stream", stream, "--retention", "48h"))
	path := m.Join("day", nameOf(base.Add(into)), "24h.mp4")
	fragments := footageOf(t, []string{stream}, base.Add(into), base.Add(into+day))
	began := time.Now()
	checkJoined(t, path, fragments, joinedCheck{sidecar: true})
	t.Logf("%d fragments: read and compared in %v", len(fragments), time.Since(began).Round(time.Millisecond))
	checkDayPlaces(t, path, fragments)
}

// checkDayPlaces looks at ten places of a clip of the day's fragments.
func checkDayPlaces(t *testing.T, path string, fragments []footage.Fragment) {
	t.Helper()
	const places = 10
	first := fragments[0].Producer
	var asked [places]footage.Fragment
	var positions [places]time.Duration
	var files []string
	for i := range places {
		// One of the pictures of a fragment, another each time, asked for a little before it is shown.
		asked[i] = fragments[(2*i+1)*len(fragments)/(2*places)]
		positions[i] = asked[i].Producer.Sub(first) + time.Duration(2*i)*time.Second - 250*time.Millisecond
		files = append(files, writeStored(t, asked[i:i+1])...)
	}
	stored := picturesOf(t, files...)
	shown := seekEach(t, path, positions[:], 0, "-f", "framemd5")
	keys := seekEach(t, path, positions[:], 250*time.Millisecond, "-c", "copy", "-f", "data")
	for i, f := range asked {
		picture := 2 * i
		tracks, err := parseFrameMD5(string(shown[i]))
		if err != nil || len(tracks) != 1 || len(tracks[0].packets) != 1 {
			t.Fatalf("%s at %v: %d streams, %v", path, positions[i], len(tracks), err)
		}
		if tracks[0].packets[0].hash != stored[i][picture] {
			t.Errorf("at %v the picture is not number %d of the fragment of %v", positions[i], picture, f.Producer)
		}
		// Decoding begins at the coded key frame before.
		stamp, ok := footage.Stamp(keys[i], footage.H264)
		if !ok || !stamp.Equal(f.Producer) {
			t.Errorf("at %v the stamp says %v, want %v", positions[i], stamp, f.Producer)
		}
	}
}

// seekEach has one ffmpeg seek in a file to so much after some positions, and gives what it makes of the first picture there or
// after it.
func seekEach(t *testing.T, path string, positions []time.Duration, after time.Duration, output ...string) [][]byte {
	t.Helper()
	dir, args := t.TempDir(), []string{"-v", "error", "-nostdin"}
	for _, at := range positions {
		args = append(args, "-threads", "1", "-ss", fmt.Sprintf("%.3f", (at+after).Seconds()), "-i", path)
	}
	for i := range positions {
		args = append(append(args, "-map", fmt.Sprintf("%d:v", i), "-frames:v", "1"), output...)
		args = append(args, filepath.Join(dir, strconv.Itoa(i)))
	}
	harness.Run(t, "ffmpeg", args...)
	var each [][]byte
	for i := range positions {
		made, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(i)))
		if err != nil {
			t.Fatal(err)
		}
		each = append(each, made)
	}
	return each
}
