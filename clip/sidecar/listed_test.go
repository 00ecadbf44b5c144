package sidecar_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/sidecar"
)

// TestText: the bytes of the text are what they always were, whatever the archive says of fragments.
func TestText(t *testing.T) {
	at := time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)
	fragment := func(id archive.FragmentID, begins, length time.Duration, size int64) archive.Fragment {
		return archive.Fragment{ID: id, Producer: at.Add(begins), Server: at.Add(begins + 1500*time.Millisecond), Length: length, Size: size}
	}
	fragments := []archive.Fragment{
		fragment("91343852333181432392682062607743454343211111111", 250*time.Millisecond, 2*time.Second, 1_234_567),
		fragment(`with "quotes" and \ and <é>`, 2290*time.Millisecond, 1960*time.Millisecond, 0),
		fragment("91343852333181432392682062607743454343211111112", 10*time.Second, 1118*time.Millisecond, 7),
		fragment("91343852333181432392682062607743454343211111113", 11158*time.Millisecond, 0, 1<<40),
		fragment("91343852333181432392682062607743454343211111114", 11198*time.Millisecond, time.Second+12345, 7),
	}
	fragments[3].Server = time.Time{}
	rule := archive.GapRule{Min: time.Second, By: archive.ByProducer, LeftOut: 40 * time.Millisecond}
	got := sidecar.Text(clip.Recording{
		Stream: archive.Stream{Name: "cam", ARN: "arn:aws:kinesisvideo:eu-west-1:123456789012:stream/cam/1"},
		Span:   archive.NewSpan(at, time.Minute), Fragments: fragments, Rule: rule, Policy: clip.KeepGaps,
		Gaps:   []archive.Span{{Start: rule.End(fragments[1]), End: fragments[2].Producer}},
		Points: []archive.Point{{At: fragments[0].Producer}, {Position: 4040 * time.Millisecond, At: fragments[2].Producer}},
	}, "cam/2024-01-01T10:00/1m.mp4")
	const golden = "testdata/listed.json"
	if os.Getenv("CLIPFS_TEST_UPDATE") != "" {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
