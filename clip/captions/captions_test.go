package captions_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/captions"
)

// at gives a time of the day of the tests.
func at(hour, minute, second, milli int) time.Time {
	return time.Date(2024, 1, 1, hour, minute, second, milli*int(time.Millisecond), time.UTC)
}

// TestSRT: cues change when the clock does, and where the clock jumps.
func TestSRT(t *testing.T) {
	track := captions.Track{
		Points: []archive.Point{{At: at(10, 0, 0, 400)}, {Position: 2 * time.Second, At: at(11, 0, 0, 0)}},
		Length: 3500 * time.Millisecond,
	}
	const want = `1
00:00:00,000 --> 00:00:00,600
2024-01-01 10:00:00 UTC

2
00:00:00,600 --> 00:00:01,600
2024-01-01 10:00:01 UTC

3
00:00:01,600 --> 00:00:02,000
2024-01-01 10:00:02 UTC

4
00:00:02,000 --> 00:00:03,000
2024-01-01 11:00:00 UTC

5
00:00:03,000 --> 00:00:03,500
2024-01-01 11:00:01 UTC

`
	if got := string(track.SRT()); got != want {
		t.Errorf("got\n%s", got)
	}
}

// TestVTT: the zone is shown, by its offset.
func TestVTT(t *testing.T) {
	track := captions.Track{
		Points: []archive.Point{{At: at(10, 0, 0, 0)}}, Length: time.Second, Location: time.FixedZone("CET", 3600),
	}
	const want = "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n2024-01-01 11:00:00 +01:00\n\n"
	if got := string(track.VTT()); got != want {
		t.Errorf("got\n%s", got)
	}
}

// TestCuesOfADay: beyond an hour there is a cue every ten seconds, cues tile the clip, and a day has no more than it needs.
func TestCuesOfADay(t *testing.T) {
	track := captions.Track{Points: []archive.Point{{At: at(0, 0, 3, 250)}}, Length: 24 * time.Hour}
	lines := strings.Split(strings.TrimSpace(string(track.SRT())), "\n\n")
	if len(lines) != 8641 {
		t.Errorf("%d cues", len(lines))
	}
	end := "00:00:00,000"
	for i, cue := range lines {
		var n int
		var from, to string
		if _, err := fmt.Sscanf(cue, "%d\n%s --> %s\n", &n, &from, &to); err != nil || n != i+1 || from != end {
			t.Fatalf("cue %d: %q after %s, %v", i, cue, end, err)
		}
		end = to
	}
	if end != "24:00:00,000" {
		t.Errorf("the last ends at %s", end)
	}
	if !strings.Contains(lines[0], "--> 00:00:06,750\n2024-01-01 00:00:03") || !strings.Contains(lines[1], "2024-01-01 00:00:10") {
		t.Errorf("%q %q", lines[0], lines[1])
	}
}
