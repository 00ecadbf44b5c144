package clip_test

import (
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// TestLookUpAgain: a look-up whose listing is in memory neither copies, cuts nor hashes it again, whatever the length of the clip.
func TestLookUpAgain(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base().Add(-10*time.Minute), 3600, 2*time.Second)
	l, _ := library(t, m, clip.Options{MetadataTTL: time.Hour})
	for name, look := range map[string]func() (*clip.Clip, error){
		"clip": func() (*clip.Clip, error) {
			return l.Clip(t.Context(), "cam", archive.NewSpan(memory.Base().Add(7*time.Minute), time.Hour))
		},
		"cover": func() (*clip.Clip, error) {
			return l.Cover(t.Context(), "cam", archive.NewSpan(memory.Base().Add(7*time.Minute+time.Second), time.Hour))
		},
	} {
		var first *clip.Clip
		for range 3 { // the first look-up lists
			c, err := look()
			if err != nil {
				t.Fatal(err)
			}
			if first != nil && (c.Key() != first.Key() || c.Fragments() != first.Fragments() || c.Calls() != first.Calls() || c.MediaBytes() != first.MediaBytes() ||
				!c.First().Equal(first.First()) || c.Span() != first.Span()) {
				t.Errorf("%s: the same look-up gives another clip", name)
			}
			first = c
		}
		if got := testing.AllocsPerRun(100, func() {
			if _, err := look(); err != nil {
				t.Error(err)
			}
		}); got > 10 {
			t.Errorf("%s: %v allocations a look-up, want no more than 10", name, got)
		}
		if _, err := readAll(t, first); err != nil {
			t.Errorf("%s: a clip that was looked up again: %v", name, err)
		}
	}
}

// TestLookUpAgainAfterChanges: what is remembered of a look-up does not outlive what it was made of: late footage, and a part that one
// call turns out not to bring.
func TestLookUpAgainAfterChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory.New()
		m.Record("cam", memory.Base(), 1800, 2*time.Second)
		time.Sleep(time.Until(memory.Base().Add(3 * time.Hour)))
		l, _ := library(t, m, clip.Options{Unservable: clip.SkipUnservable})
		span := archive.NewSpan(memory.Base(), 20*time.Minute)
		look := func() *clip.Clip {
			t.Helper()
			lookUp(t, l, "cam", span)
			return lookUp(t, l, "cam", span)
		}
		begun := look()
		m.Upload("cam", memory.Base().Add(5*time.Minute+700*time.Millisecond), 1, 500*time.Millisecond, time.Now())
		time.Sleep(2 * time.Minute)
		later := look()
		if later.Fragments() != begun.Fragments()+1 || later.Key() == begun.Key() {
			t.Errorf("%d fragments after one more was uploaded, %d before", later.Fragments(), begun.Fragments())
		}
		m.Change(func() { badMedia(m, [2]int{400, 403}) })
		if _, err := readAll(t, later); err != nil {
			t.Fatal(err)
		}
		if c := look(); c.Key() == later.Key() || c.Calls() == later.Calls() {
			t.Error("a part that no call brings is looked up as before")
		}
	})
}
