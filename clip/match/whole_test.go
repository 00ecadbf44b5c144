package match_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/match"
	"clipfs/clip/mp4"
)

// TestLacks: whether a payload has all the fragments that were listed is told by its pictures.
func TestLacks(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 10, 2*time.Second)
	all := m.Recorded["cam"]
	without := func(from, to int) []archive.Fragment { return slices.Concat(all[:from], all[to:]) }
	for _, test := range []struct {
		name   string
		served []archive.Fragment
		lacks  bool
	}{
		{"all", all, false},
		{"the last", without(9, 10), true},
		{"the first", without(0, 1), true},
		{"the last half", without(5, 10), true},
		{"more than listed", slices.Concat(all, all[9:]), false},
	} {
		shown, err := match.ShownOf(video(t, memory.Movie(test.served, false, memory.Base())))
		if err != nil {
			t.Fatal(err)
		}
		what, _ := shown.Lacks(match.MomentsOf(all, archive.ByProducer))
		if (what != "") != test.lacks {
			t.Errorf("%s: got %q, want that it lacks some %t", test.name, what, test.lacks)
		}
		if test.lacks && !strings.Contains(what, "of 10 fragments") {
			t.Errorf("%s: got %q, which does not say of how many fragments", test.name, what)
		}
	}
}

// video gives the video of a payload.
func video(t *testing.T, payload []byte) *mp4.Track {
	t.Helper()
	for box, err := range mp4.Children(payload) {
		if err != nil {
			t.Fatal(err)
		}
		if box.Type != mp4.TypeMoov {
			continue
		}
		movie, err := mp4.ParseMovie(box.Raw)
		if err != nil {
			t.Fatal(err)
		}
		return movie.Video()
	}
	t.Fatal("no moov")
	return nil
}
