//go:build e2e

package e2e_test

import (
	"fmt"
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
	first := fragments[0].Producer
	for i := range 10 {
		// One of the pictures of a fragment, another each time, asked for a little before it is shown.
		f, picture := fragments[(2*i+1)*len(fragments)/20], 2*i
		position := f.Producer.Sub(first) + time.Duration(picture)*time.Second - 250*time.Millisecond
		want := pictures(t, writeStored(t, []footage.Fragment{f})[0])[picture]
		if got := pictureAt(t, path, position); got != want {
			t.Errorf("at %v the picture is not number %d of the fragment of %v", position, picture, f.Producer)
		}
		stamp, ok := footage.Stamp(keyFrameAt(t, path, position+250*time.Millisecond), footage.H264)
		if !ok || !stamp.Equal(f.Producer) {
			t.Errorf("at %v the stamp says %v, want %v", position, stamp, f.Producer)
		}
	}
}

// seekTo gives the arguments of ffmpeg that seek in a file.
func seekTo(path string, position time.Duration) []string {
	return []string{"-v", "error", "-nostdin", "-threads", "1", "-ss", fmt.Sprintf("%.3f", position.Seconds()), "-i", path, "-map", "0:v", "-frames:v", "1"}
}

// pictureAt gives the hash of the first picture that is shown at a position of a file or after it.
func pictureAt(t *testing.T, path string, position time.Duration) string {
	t.Helper()
	tracks, err := parseFrameMD5(string(harness.Run(t, "ffmpeg", append(seekTo(path, position), "-f", "framemd5", "-")...)))
	if err != nil || len(tracks) != 1 || len(tracks[0].packets) != 1 {
		t.Fatalf("%s at %v: %d streams, %v", path, position, len(tracks), err)
	}
	return tracks[0].packets[0].hash
}

// keyFrameAt gives the coded key frame from which decoding a position begins.
func keyFrameAt(t *testing.T, path string, position time.Duration) []byte {
	t.Helper()
	return harness.Run(t, "ffmpeg", append(seekTo(path, position), "-c", "copy", "-f", "data", "-")...)
}
