package emulator_test

import (
	"bytes"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	camera "clipfs/clip/emulator/producer"
	"clipfs/clip/emulator/streams"
)

// TestGetClipOverlaps: footage is uploaded again with times that differ by 0.7 s. All of it is listed, and GetClip gives
// the oldest collection only.
func TestGetClipOverlaps(t *testing.T) {
	for _, tt := range []struct {
		overlaps streams.Overlaps
		// whole is how many fragments a clip of everything has, alone one of a newer fragment.
		whole, alone int64
	}{
		{streams.OverlapsDrop, 6, 1},
		{streams.OverlapsHide, 6, 0},
		{streams.OverlapsKeep, 10, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := start(t, emulator.Options{NoQuota: true, Overlaps: tt.overlaps})
			c.create("a", 24)
			zero := time.Now().Add(-time.Hour)
			at := func(ms int) time.Time { return zero.Add(time.Duration(ms) * time.Millisecond) }
			c.putCard("a", at(4000), at(10_000), camera.Options{})
			var again bytes.Buffer
			if err := camera.WriteTestCard(&again, time.Unix(0, 0), time.Unix(14, 0)); err != nil {
				t.Fatal(err)
			}
			if _, err := c.put("a", &again, camera.Options{Timecodes: camera.Relative, Start: at(700)}); err != nil {
				t.Fatal(err)
			}
			if n := len(c.list("a", producer, zero, at(20_000))); n != 10 {
				t.Fatalf("%d fragments listed, want 10", n)
			}
			count := func(from, to int) int64 {
				c.server.ResetCalls()
				r := c.clip(c.endpoint("a", "GET_CLIP"), "a", producer, at(from), at(to))
				if r.status != http.StatusOK {
					r.wantError(t, 404, "ResourceNotFoundException", "No fragments found")
				}
				return c.clipFragments("a")
			}
			if n := count(0, 20_000); n != tt.whole {
				t.Errorf("overlaps %d: %d fragments in a clip of everything, want %d", tt.overlaps, n, tt.whole)
			}
			if n := count(4500, 5500); n != tt.alone {
				t.Errorf("overlaps %d: %d fragments in a clip of a newer one, want %d", tt.overlaps, n, tt.alone)
			}
			if n := count(4000, 10_000); tt.overlaps != streams.OverlapsKeep && n != 3 {
				t.Errorf("overlaps %d: %d fragments in a clip of the older ones, want 3", tt.overlaps, n)
			}
		})
	}
	for s, want := range map[string]streams.Overlaps{"drop": streams.OverlapsDrop, "hide": streams.OverlapsHide, "keep": streams.OverlapsKeep} {
		if got, err := streams.ParseOverlaps(s); got != want || err != nil {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	if _, err := streams.ParseOverlaps("x"); err == nil {
		t.Error("x is taken")
	}
}
