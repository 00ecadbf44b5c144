package clip_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// TestIngestedTwice: footage that was ingested twice is what GetClip gives of it, whether the newer can be had alone or not, and
// the clip says what is not served. A service that gives all of it has it served.
func TestIngestedTwice(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for name, newer := range map[string]struct {
		at    time.Duration
		count int
	}{
		"all of it":            {500 * ms, 600},
		"at the same times":    {0, 600},
		"ten seconds":          {100*s + 700*ms, 5},
		"two minutes":          {110*s + 1300*ms, 60},
		"one fragment":         {300*s + 900*ms, 1},
		"across a part's edge": {115*s + 300*ms, 5},
	} {
		for mode, twice := range map[string]memory.Overlapped{"dropped": memory.Dropped, "hidden": memory.Hidden, "kept": memory.Kept} {
			for _, length := range []time.Duration{6 * time.Minute, 20 * time.Minute} {
				many, short := newer.count > 5, length == 6*time.Minute
				if twice == memory.Dropped && short != many || twice == memory.Hidden && short == many {
					continue // by pairs: what is dropped is read in one of the lengths, what is hidden in the other
				}
				if twice == memory.Kept && (newer.count > 5 || name == "ten seconds" && length > 10*time.Minute) {
					continue // a payload here lasts as long as all that it holds: beyond its time it would count as surplus
				}
				t.Run(fmt.Sprint(name, " ", mode, " ", length), func(t *testing.T) {
					m := memory.New()
					m.Record("cam", memory.Base(), 600, 2*s)
					old := slices.Clone(m.Recorded["cam"])
					m.Upload("cam", memory.Base().Add(newer.at), newer.count, 2*s, memory.Base().Add(40*time.Minute))
					varied(m)
					old = m.Recorded["cam"][:len(old)]
					m.Twice = twice
					tryTwice(t, m, old, length, newer.at == 0)
				})
			}
		}
	}
}

// tryTwice reads a clip of footage of which only some is served. sameTimes says that the newer fragments have the times of the older, so that they are not told apart.
func tryTwice(t *testing.T, m *memory.Archive, old []archive.Fragment, length time.Duration, sameTimes bool) {
	l, c := library(t, m, clip.Options{})
	film := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), length))
	file, err := readAll(t, film)
	if err != nil {
		t.Fatal(err)
	}
	marks, _ := frames(t, file)
	listed := m.Selected("cam", archive.ByProducer, film.Span())
	served := old[:int(length/(2*time.Second))]
	payloads, _, _ := m.Calls()
	if m.Twice == memory.Kept { // how payloads then place what overlaps is not known: none of the older is missing, and the clip says what is
		want, _ := recorded(served)
		for _, mark := range want {
			if !slices.Contains(marks, mark) {
				t.Fatalf("picture %d of the older footage is missing; note %q", mark, film.Note())
			}
		}
		if got := len(marks); got != 2*len(listed) && film.Note() == "" {
			t.Errorf("%d pictures of %d fragments without a word", got, len(listed))
		}
		return
	}
	if want, _ := recorded(served); !slices.Equal(marks, want) {
		t.Errorf("%d pictures differ from the %d of the older footage", len(marks), len(want))
	}
	if most := max(2, int(length/time.Minute)+2); payloads > most {
		t.Errorf("%d GetClip calls, want at most %d", payloads, most)
	}
	if note := film.Note(); !strings.Contains(note, "older footage") && !sameTimes {
		t.Errorf("note %q of %d fragments, of which %d are served", note, len(listed), len(served))
	}
	again, err := readAll(t, lookUp(t, clip.NewLibrary(m, c, clip.Options{}), "cam", film.Span()))
	if err != nil || !bytes.Equal(again, file) {
		t.Errorf("after a restart: %d bytes, %v, want the %d as before", len(again), err, len(file))
	}
}

// TestIngestedBeyond: what was ingested again and goes on behind the older footage is served from where it no longer overlaps.
func TestIngestedBeyond(t *testing.T) {
	for _, twice := range []memory.Overlapped{memory.Dropped, memory.Hidden} {
		m := memory.New()
		m.Twice = twice
		m.Record("cam", memory.Base(), 30, 2*time.Second)
		m.Upload("cam", memory.Base().Add(20*time.Second+700*time.Millisecond), 30, 2*time.Second, memory.Base().Add(70*time.Second))
		varied(m)
		l, _ := library(t, m, clip.Options{})
		c := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 2*time.Minute))
		file, err := readAll(t, c)
		if err != nil {
			t.Fatal(err)
		}
		marks, _ := frames(t, file)
		want, _ := recorded(m.Served("cam", m.Selected("cam", archive.ByProducer, c.Span())))
		if !slices.Equal(marks, want) {
			t.Errorf("%d pictures differ from the %d that GetClip gives", len(marks), len(want))
		}
		if note := c.Note(); !strings.Contains(note, "20:00:20.700Z") || !strings.Contains(note, "20:00:58.700Z") {
			t.Errorf("note %q", note)
		}
		if payloads, _, _ := m.Calls(); payloads > 3 {
			t.Errorf("%d GetClip calls", payloads)
		}
	}
}

// TestConnectionsThatOverlap: a producer that goes on over another connection, before the fragment of the one before has ended.
// What the service gives is served: the fragment between too, if it gives that.
func TestConnectionsThatOverlap(t *testing.T) {
	for _, twice := range []memory.Overlapped{memory.Dropped, memory.Hidden, memory.Kept} {
		for _, length := range []time.Duration{5 * time.Minute, 20 * time.Minute} {
			m := memory.New()
			m.Twice = twice
			m.Record("cam", memory.Base(), 50, 2*time.Second)
			m.Record("cam", memory.Base().Add(98*time.Second+700*time.Millisecond), 400, 2*time.Second)
			varied(m)
			l, _ := library(t, m, clip.Options{})
			c := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), length))
			file, err := readAll(t, c)
			if err != nil {
				t.Fatal(err)
			}
			marks, _ := frames(t, file)
			want, _ := recorded(m.Served("cam", m.Selected("cam", archive.ByProducer, c.Span())))
			if !slices.Equal(marks, want) {
				t.Errorf("%d, %s: %d pictures differ from the %d that GetClip gives", twice, length, len(marks), len(want))
			}
			if note := c.Note(); strings.Contains(note, "20:01:38.700Z") != (twice != memory.Kept) {
				t.Errorf("%d, %s: note %q", twice, length, note)
			}
		}
	}
}
