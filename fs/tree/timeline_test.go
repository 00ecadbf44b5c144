package tree_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive/memory"
	"clipfs/fs/tree"
)

// TestTimelinePositions: the runs of a timeline are those of the playlist of the same span, gap for gap, to the millisecond.
func TestTimelinePositions(t *testing.T) {
	a := recorded()
	a.Upload("door", memory.Base().Add(2*time.Hour+90*time.Second+7*time.Millisecond), 3, 2*time.Second, time.Time{})
	a.Upload("door", memory.Base().Add(2*time.Hour+4*time.Minute), 7, 1300*time.Millisecond, time.Time{})
	entries := newTree(t, a, clip.Options{}, tree.Options{})
	for _, span := range []string{"door/1999-12-31T20:00/3h", "door/1999-12-31T21:59/6m", "door/1999-12-31T20:00:03/90s", "door/1999-12-31/24h"} {
		text, err := read(t, file(t, entries, span+".timeline.json"))
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Runs [][3]int64 }
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		playlist, err := read(t, file(t, entries, span+".m3u8"))
		if err != nil {
			t.Fatal(err)
		}
		want := runsOf(t, string(playlist))
		if len(got.Runs) != len(want) {
			t.Fatalf("%s: runs %v, want %v", span, got.Runs, want)
		}
		for i := range want {
			if got.Runs[i] != want[i] {
				t.Errorf("%s: run %d is %v, want %v", span, i, got.Runs[i], want[i])
			}
		}
	}
}

// runsOf gives what lies between the discontinuities of a playlist: when it begins, at which position, and for how long it goes on.
func runsOf(t *testing.T, playlist string) [][3]int64 {
	t.Helper()
	var all [][3]int64
	var position int64
	fresh := true
	for line := range strings.Lines(playlist) {
		line = strings.TrimSpace(line)
		if line == "#EXT-X-DISCONTINUITY" {
			fresh = true
		}
		if clock, ok := strings.CutPrefix(line, "#EXT-X-PROGRAM-DATE-TIME:"); ok && fresh {
			at, err := time.Parse(time.RFC3339, clock)
			if err != nil {
				t.Fatal(err)
			}
			all, fresh = append(all, [3]int64{at.UnixMilli(), position, 0}), false
		}
		if length, ok := strings.CutPrefix(line, "#EXTINF:"); ok {
			ms, err := strconv.ParseInt(strings.NewReplacer(".", "", ",", "").Replace(length), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			all[len(all)-1][2] += ms
			position += ms
		}
	}
	return all
}
