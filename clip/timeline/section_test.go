package timeline_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/timeline"
)

// TestDaysArePacked: what is listed of a day is packed until it is put together, whether it is asked for, in memory or on disk; hours are in memory as they are. Once
// a day was listed, no more of it is unpacked than of some hours.
func TestDaysArePacked(t *testing.T) {
	m := memory.New()
	m.ARN = "arn"
	day := archive.NewSpan(memory.Base().Truncate(24*time.Hour).Add(48*time.Hour), 24*time.Hour)
	m.Record("cam", day.Start.Add(-time.Hour), 26*900, 4*time.Second)
	dir := t.TempDir()
	for _, how := range []string{"asked for and in memory", "from disk"} {
		tl := timeline.New(m, timeline.Options{TTL: time.Hour, Dir: dir})
		v, err := tl.View(t.Context(), "cam", day.End)
		if err != nil {
			t.Fatal(err)
		}
		for round := range 2 {
			sections, whole, err := tl.Sections(t.Context(), v, day)
			if err != nil {
				t.Fatal(err)
			}
			if n := timeline.Unpacked(sections); n > 15_000 {
				t.Errorf("%s, round %d: %d fragments of a day are unpacked, want at most 15,000", how, round, n)
			}
			listed := tl.Join(day, sections, whole).Fragments
			if want := m.Selected("cam", archive.ByProducer, day); !slices.Equal(listed, want) {
				t.Errorf("%s, round %d: %d fragments, want those %d that were recorded", how, round, len(listed), len(want))
			}
			if n := cap(listed) - len(listed); n > 0 {
				t.Errorf("%s, round %d: there is room for %d more fragments behind those of a day", how, round, n)
			}
		}
		hour := archive.NewSpan(day.Start.Add(5*time.Hour), time.Hour)
		sections, _, err := tl.Sections(t.Context(), v, hour)
		if err != nil {
			t.Fatal(err)
		}
		if n := timeline.Unpacked(sections); n != 900 {
			t.Errorf("%s: %d fragments of an hour are unpacked, want all", how, n)
		}
		if n := testing.AllocsPerRun(10, func() { sections, _, _ = tl.Sections(t.Context(), v, hour) }); n > 20 {
			t.Errorf("%s: an hour that is used takes %v allocations, want at most 20", how, n)
		}
	}
}

// TestListingsOfAllLengths: whatever is known of it, a listing has what was recorded: footage that pauses, and some whose numbers cannot be packed,
// in spans of seconds to days that begin anywhere, in memory and after a new mount.
func TestListingsOfAllLengths(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	m := memory.New()
	m.ARN = "arn"
	from := memory.Base().Truncate(24 * time.Hour).Add(48 * time.Hour)
	for at := from; at.Before(from.Add(72 * time.Hour)); {
		count := 1 + random.IntN(600)
		m.Record("cam", at, count, 20*time.Second)
		at = at.Add(time.Duration(count)*20*time.Second + time.Duration(random.IntN(7200))*time.Second)
	}
	for i := range m.Recorded["cam"] {
		if random.IntN(4000) == 0 {
			m.Recorded["cam"][i].ID = "x" + m.Recorded["cam"][i].ID
		}
	}
	dir := t.TempDir()
	tl := timeline.New(m, timeline.Options{TTL: time.Hour, Dir: dir})
	for step := range 60 {
		if step%20 == 19 { // a new mount
			tl = timeline.New(m, timeline.Options{TTL: time.Hour, Dir: dir})
		}
		start := from.Add(time.Duration(random.IntN(72*3600_000)) * time.Millisecond)
		span := archive.NewSpan(start, time.Duration(1+random.IntN([]int{600, 7200, 100_000}[step%3]))*time.Second)
		listed, err := list(t.Context(), tl, span)
		if err != nil {
			t.Fatal(err)
		}
		if want := m.Selected("cam", archive.ByProducer, span); !slices.Equal(listed.Fragments, want) {
			t.Fatalf("step %d, %s: %d fragments, want those %d that were recorded", step, span, len(listed.Fragments), len(want))
		}
	}
}
