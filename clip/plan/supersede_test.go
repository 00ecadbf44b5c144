package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/plan"
)

// late gives count fragments a step apart from base on, which were ingested some time after they were recorded.
func late(from time.Time, count int, step, by time.Duration) []archive.Fragment {
	fragments := made(from, count, step, 1000)
	for i := range fragments {
		fragments[i].Server = fragments[i].Producer.Add(by)
		fragments[i].ID = archive.FragmentID(fmt.Sprintf("%047d", fragments[i].Server.UnixMilli()))
	}
	return fragments
}

// TestPlanLeavesOutWhatLiesOver: of footage that was ingested twice the older is cut into parts, whose calls ask for the
// newer too, as a call asks by time.
func TestPlanLeavesOutWhatLiesOver(t *testing.T) {
	old := made(base(), 60, 2*time.Second, 1000)
	newer := late(base().Add(30*time.Second+700*time.Millisecond), 5, 2*time.Second, time.Hour)
	listed := slices.Concat(old, newer)
	slices.SortFunc(listed, func(a, b archive.Fragment) int { return a.Producer.Compare(b.Producer) })
	parts, over := plan.Planner{Rule: archive.GapRule{Min: time.Second, LeftOut: 40 * time.Millisecond}}.Plan(listed, 2*time.Minute)
	if !slices.Equal(over, newer) {
		t.Errorf("left out: %d fragments, want the %d newer ones", len(over), len(newer))
	}
	if len(parts) != 1 || !slices.Equal(parts[0].Fragments, old) || !slices.Equal(parts[0].Over, newer) {
		t.Fatalf("got %d parts, want one of the older footage over which the newer lies", len(parts))
	}
	if got := parts[0].All(archive.ByProducer); !slices.Equal(got, listed) {
		t.Errorf("its call asks for %d fragments, want all %d", len(got), len(listed))
	}
	if !parts[0].Crowded(65*50, 65, 40*time.Millisecond) || parts[0].Crowded(60*50, 60, 40*time.Millisecond) {
		t.Error("a payload is crowded if it has the newer fragments, and only then")
	}
}

func TestSeparateMarksGaps(t *testing.T) {
	rule := archive.GapRule{Min: time.Second}
	all := plan.Planner{Rule: rule, Grid: time.Minute}.Cut(made(base(), 600, 2*time.Second, 1000), 20*time.Minute)
	all[1].Lost = "gone"
	all[len(all)-1].Lost = "gone too"
	served, lost := plan.Separate(all, func(p *plan.Part) *plan.Part { return p }, rule)
	if len(served) != len(all)-2 || len(lost) != 2 {
		t.Fatalf("%d served and %d lost of %d", len(served), len(lost), len(all))
	}
	for i, p := range served {
		if p.GapBefore != (i == 1) {
			t.Errorf("part %d: gap before it: %t", i, p.GapBefore)
		}
	}
	if all[2].GapBefore {
		t.Error("what was given has changed")
	}
}

func TestRunning(t *testing.T) {
	rule := archive.GapRule{Min: time.Second, LeftOut: 40 * time.Millisecond}
	fragments := slices.Concat(made(base(), 5, 2*time.Second, 1000), made(base().Add(time.Minute), 5, 2*time.Second, 1000))
	for _, tc := range []struct {
		at   time.Duration
		want int
	}{
		{-time.Second, 0}, {0, 0}, {time.Millisecond, 0}, {2 * time.Second, 1}, {2*time.Second - time.Millisecond, 0},
		{9999 * time.Millisecond, 4}, {10 * time.Second, 5}, {59 * time.Second, 5}, {61 * time.Second, 5}, {2 * time.Minute, 10},
	} {
		if got := plan.Running(rule, fragments, base().Add(tc.at)); got != tc.want {
			t.Errorf("at %s: got fragment %d, want %d", tc.at, got, tc.want)
		}
	}
}
