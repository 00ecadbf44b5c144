package still_test

import (
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/still"
)

func TestRunning(t *testing.T) {
	// Fragments of 2 s whose last picture stands for 40 ms: a and b follow each other, a pause of half a second that is no gap, c, a gap, d
	// with e in the middle of it.
	fragment := func(id archive.FragmentID, seconds, length float64) archive.Fragment {
		return archive.Fragment{
			ID: id, Producer: memory.Base().Add(time.Duration(seconds * float64(time.Second))),
			Length: time.Duration(length*float64(time.Second)) - 40*time.Millisecond,
		}
	}
	fragments := []archive.Fragment{fragment("a", 0, 2), fragment("b", 2, 2), fragment("c", 4.5, 2), fragment("d", 10, 6), fragment("e", 12, 2)}
	rule := archive.GapRule{Min: time.Second, LeftOut: 40 * time.Millisecond}
	for _, tc := range []struct {
		at   float64
		want archive.FragmentID
	}{
		{-0.001, ""}, {0, "a"}, {1.999, "a"}, {2, "b"}, {3.999, "b"}, {4.2, "b"}, {4.499, "b"}, {4.5, "c"}, {6.499, "c"}, {6.5, ""}, {9.999, ""},
		{10, "d"}, {11.999, "d"}, {12, "e"}, {13.999, "e"}, {14, "d"}, {15.999, "d"}, {16, ""}, {100, ""},
	} {
		got, ok := still.Running(rule, fragments, memory.Base().Add(time.Duration(tc.at*float64(time.Second))))
		if got.ID != tc.want || ok != (tc.want != "") {
			t.Errorf("at %g: got %q, %t, want %q", tc.at, got.ID, ok, tc.want)
		}
	}
	only := []archive.Fragment{{ID: "only", Producer: memory.Base()}} // of one picture, and nothing tells how long that lasts
	for after, want := range map[time.Duration]bool{-archive.Grain: false, 0: true, archive.Grain: false} {
		if _, ok := still.Running(archive.GapRule{Min: time.Second}, only, memory.Base().Add(after)); ok != want {
			t.Errorf("%s after the only picture: %t, want %t", after, ok, want)
		}
	}
	if _, ok := still.Running(rule, nil, memory.Base()); ok {
		t.Error("something runs where nothing is recorded")
	}
}
