package clip_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
)

// TestGlance: what a look-up finds out by the minute is what it finds out by cutting a listing into parts: where footage goes on, where it
// pauses, overlaps, comes twice, is dense or weighs much, in clips of all lengths.
func TestGlance(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	m := memory.New()
	at := memory.Base()
	for at.Before(memory.Base().Add(8 * time.Hour)) {
		length := time.Duration(1+random.IntN(40)) * 250 * time.Millisecond
		count := 1 + random.IntN(int(40*time.Minute/length))
		m.Record("cam", at, count, length)
		at = at.Add(time.Duration(count) * length)
		switch random.IntN(4) {
		case 0:
			at = at.Add(time.Duration(random.IntN(300)) * time.Second / 2)
		case 1: // a gap that is none
			at = at.Add(time.Duration(random.IntN(1000)) * time.Millisecond)
		case 2:
			m.Record("cam", at.Add(-length*time.Duration(min(count, 5))+length/3), 3, length)
		}
	}
	for i := range m.Recorded["cam"] {
		switch random.IntN(200) {
		case 0:
			m.Recorded["cam"][i].Length = 0
		case 1:
			m.Recorded["cam"][i].Size = 50_000_000
		case 2:
			m.Recorded["cam"][i].Length -= 100 * time.Millisecond
		}
	}
	l, _ := library(t, m, clip.Options{MetadataTTL: time.Hour})
	if _, err := l.Clip(t.Context(), "cam", archive.NewSpan(memory.Base(), 9*time.Hour)); err != nil { // whole hours
		t.Fatal(err)
	}
	glances := 0
	for range 2000 {
		span := archive.NewSpan(
			memory.Base().Add(time.Duration(random.IntN(8*60*60*4))*250*time.Millisecond),
			[]time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, time.Hour, 150 * time.Minute}[random.IntN(7)])
		if random.IntN(2) == 0 {
			span = archive.NewSpan(span.Start.Truncate(time.Minute), span.Length())
		}
		glance, whole, ok, err := clip.LookBothWays(t.Context(), l, "cam", span)
		if err != nil {
			t.Fatal(err)
		}
		if ok && glance != whole {
			t.Fatalf("%s: by the minute\n%s, cut\n%s", span, glance, whole)
		}
		if ok {
			glances++
		}
	}
	if glances < 200 {
		t.Errorf("%d of 2000 look-ups went by the minute", glances)
	}
}

// TestGlancesAtOnce: look-ups at the same time share minutes that none of them has met before.
func TestGlancesAtOnce(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 5400, 2*time.Second)
	l, _ := library(t, m, clip.Options{MetadataTTL: time.Hour})
	lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 2*time.Hour))
	span := archive.NewSpan(memory.Base().Add(7*time.Minute), time.Hour)
	want := lookUp(t, l, "cam", span).Key()
	clip.ForgetMinutes(l)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			at := archive.NewSpan(span.Start.Add(time.Duration(i)*time.Minute), time.Hour)
			glance, whole, ok, err := clip.LookBothWays(t.Context(), l, "cam", at)
			if err != nil || !ok || glance != whole {
				t.Errorf("%s: %t, %v, by the minute\n%s, cut\n%s", at, ok, err, glance, whole)
			}
		})
	}
	group.Wait()
	if got := lookUp(t, l, "cam", span).Key(); got != want {
		t.Errorf("key %s, before %s", got, want)
	}
}

// TestFirstLookUp: one of an hour that was listed copies none of its fragments, which are 230 KB.
func TestFirstLookUp(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 5400, 2*time.Second)
	l, _ := library(t, m, clip.Options{MetadataTTL: time.Hour})
	start := memory.Base()
	lookUp(t, l, "cam", archive.NewSpan(start, 2*time.Hour))
	lookUp(t, l, "cam", archive.NewSpan(start.Add(time.Second), time.Hour))
	if got := testing.AllocsPerRun(100, func() {
		start = start.Add(time.Millisecond)
		lookUp(t, l, "cam", archive.NewSpan(start, time.Hour))
	}); got > 60 {
		t.Errorf("%v allocations a look-up, want no more than 60", got)
	}
}
