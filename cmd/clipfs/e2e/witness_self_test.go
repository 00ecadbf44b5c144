//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clipfs/cmd/internal/harness"
)

// TestWitnessItself: what the witness says of its files, and the frames in its payloads, usual and odd, are what ffprobe
// reads in the files that it cuts. Nothing of clipfs takes part.
func TestWitnessItself(t *testing.T) {
	t.Parallel()
	start := testStart().UnixMilli()
	var streams []harness.WitnessStream
	odds := append(witnessOdds(), "", "")
	for i, odd := range odds {
		picture := witnessPictures()[i%len(witnessPictures())]
		streams = append(streams, harness.WitnessStream{
			Name: fmt.Sprintf("s%d", i), File: witnessSource(t, picture), Start: start, Fragments: 40, Odd: odd,
			Lead: []int{93, 0}[i%2], Layout: []string{"first", "last", "chunked"}[i%3], Timescale: []int{90000, 12800, 1000}[i/3%3],
		})
	}
	w := startWitness(t, streams...)
	for i, stream := range streams {
		t.Run(fmt.Sprintf("%s %s", filepath.Base(stream.File), odds[i]), func(t *testing.T) {
			truth := w.Truth(t, stream.Name)
			checkTruth(t, truth, stream.File)
			first, last := truth.Fragments[5], truth.Fragments[20]
			path := filepath.Join(t.TempDir(), "payload.mp4")
			if err := os.WriteFile(path, getClip(t, w, stream.Name, first.Producer, last.Producer), 0o600); err != nil {
				t.Fatal(err)
			}
			served := w.Served(t, stream.Name)
			if len(served) != 1 || served[0].Bytes != served[0].Of {
				t.Fatalf("served %+v", served)
			}
			checkPayload(t, path, expectedOf(truth, served[0].Fragments, stream.Odd))
		})
	}
}

// getClip asks the witness for a payload, without clipfs.
func getClip(t *testing.T, w *harness.Witness, stream string, from, to int64) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{"StreamName": stream, "ClipFragmentSelector": map[string]any{
		"FragmentSelectorType": "PRODUCER_TIMESTAMP",
		"TimestampRange":       map[string]any{"StartTimestamp": float64(from) / 1000, "EndTimestamp": float64(to) / 1000},
	}})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.Endpoint+"/getClip", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	payload, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v: %.200s", response.Status, err, payload)
	}
	return payload
}

// checkTruth compares what the witness says of a file with what ffprobe reads in it.
func checkTruth(t *testing.T, truth harness.WitnessTruth, file string) {
	t.Helper()
	tracks, complaints := probeFrames(t, file)
	if complaints != "" {
		t.Errorf("ffprobe complains of the source: %s", complaints)
	}
	video, sound := firstOf(tracks, "video"), firstOf(tracks, "audio")
	i, j := 0, 0
	for _, f := range truth.Fragments {
		for _, frame := range f.Video {
			sameAsProbed(t, frame, truth.VideoTimescale, video, i)
			i++
		}
		for _, frame := range f.Sound {
			for j < len(sound.frames) && sound.frames[j].hash != frame.Hash {
				if j++; i > len(f.Video) { // only what stands before the first fragment is not stored
					t.Fatalf("frame of sound %d is not stored", j)
				}
			}
			sameAsProbed(t, frame, truth.SoundTimescale, sound, j)
			j++
		}
		least := f.Video[0].PTS * 1000 / truth.VideoTimescale
		if len(f.Sound) > 0 {
			least = min(least, int64(math.Floor(float64(f.Sound[0].PTS)*1000/float64(truth.SoundTimescale))))
		}
		if at := f.Producer - truth.Start - f.Shift - least; at < 0 || at > 1 {
			t.Errorf("fragment %s begins %d ms after its first frame", f.Number, at)
		}
	}
}

// sameAsProbed compares a frame.
func sameAsProbed(t *testing.T, frame harness.WitnessFrame, timescale int64, track *probedTrack, i int) {
	t.Helper()
	if i >= len(track.frames) {
		t.Fatalf("%s %d is not in the source", track.kind, i)
	}
	got := track.frames[i]
	if track.num != 1 || track.den != timescale || got.hash != frame.Hash || got.pts != frame.PTS || got.dts != frame.DTS ||
		strings.Contains(got.flags, "K") != frame.Key {
		t.Fatalf("%s %d is %+v to the witness, %+v to ffprobe", track.kind, i, frame, got)
	}
}

// checkPayload compares a payload as ffprobe reads it with what should be in it.
func checkPayload(t *testing.T, path string, want expected) {
	t.Helper()
	tracks, complaints := probeFrames(t, path)
	if complaints != "" {
		t.Errorf("ffprobe complains: %s", complaints)
	}
	for _, problem := range want.compare(tracks) {
		t.Error(problem)
	}
}
