package plan_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/plan"
)

// base is when the footage begins.
func base() time.Time { return time.Date(1999, 12, 31, 20, 0, 0, 0, time.UTC) }

// cut gives the fragments of each part that a clip is cut into, and which parts come after a gap.
func cut(fragments []archive.Fragment, length, grid, gap, leftOut time.Duration) (parts [][]archive.Fragment, gaps []bool) {
	planner := plan.Planner{Rule: archive.GapRule{Min: gap, LeftOut: leftOut}, Grid: grid}
	for _, p := range planner.Cut(fragments, length) {
		parts, gaps = append(parts, p.Fragments), append(gaps, p.GapBefore)
	}
	return parts, gaps
}

// made gives count fragments a step apart from base on.
func made(from time.Time, count int, step time.Duration, size int64) []archive.Fragment {
	fragments := make([]archive.Fragment, count)
	for i := range fragments {
		at := from.Add(time.Duration(i) * step)
		fragments[i] = archive.Fragment{ID: archive.FragmentID(fmt.Sprintf("%047d", at.UnixMilli())), Producer: at, Server: at,
			Length: step - 40*time.Millisecond, Size: size}
	}
	return fragments
}

func TestPlanGrid(t *testing.T) {
	const day = 24 * time.Hour
	for _, test := range []struct {
		name   string
		step   time.Duration
		size   int64
		length time.Duration
		parts  int
	}{
		{"one call", 2 * time.Second, 1000, 6 * time.Minute, 1},
		{"200 fragments", 3 * time.Second, 1000, 10 * time.Minute, 1},
		{"201 fragments", 3 * time.Second, 1000, 10*time.Minute + 3*time.Second, 11},
		{"too many bytes", 10 * time.Second, 4_000_000, 10 * time.Minute, 10},
		{"an hour by the minute", 2 * time.Second, 1000, time.Hour, 60},
		{"two hours by two minutes", 2 * time.Second, 1000, 2 * time.Hour, 60},
		{"two and a half hours by two minutes", 2 * time.Second, 1000, 150 * time.Minute, 75},
		{"a day of 2 s: six minutes are 180 fragments", 2 * time.Second, 500_000, day, 240},
		{"a day of 1 s: three minutes are 180", time.Second, 250_000, day, 480},
		{"a day of 20 s: twenty minutes are 60", 20 * time.Second, 1_000_000, day, 72},
		{"a day of 20 s and much data: ten minutes are 78 MB", 20 * time.Second, 2_600_000, day, 144},
		{"more than a call a minute", 100 * time.Millisecond, 1000, 10 * time.Minute, 30},
		{"one fragment that is too large", 20 * time.Second, 95_000_000, time.Minute, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			fragments := made(base(), int(test.length/test.step), test.step, test.size)
			parts, _ := cut(fragments, test.length, 0, time.Second, 40*time.Millisecond)
			if len(parts) != test.parts {
				t.Errorf("got %d parts, want %d", len(parts), test.parts)
			}
		})
	}
}

// TestPlanProperties: whatever was recorded, parts have every fragment once and in order, fit a call, cross no gap and,
// in clips of up to an hour, no border of the grid; a busy minute makes no day finer.
func TestPlanProperties(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	for range 100 {
		length := time.Duration(1+random.IntN(1440)) * time.Minute
		var fragments []archive.Fragment
		for at := base(); at.Before(base().Add(length)); {
			step := time.Duration(50+random.IntN(20_000)) * time.Millisecond
			run := made(at, 1+random.IntN(300), step, random.Int64N(3_000_000))
			fragments = append(fragments, run...)
			at = at.Add(time.Duration(len(run))*step + time.Duration(random.IntN(3))*5*time.Second)
		}
		parts, gaps := cut(fragments, length, 0, time.Second, 40*time.Millisecond)
		next := 0
		for i, part := range parts {
			var bytes int64
			for k, f := range part {
				if f.ID != fragments[next].ID {
					t.Fatalf("part %d has %s where %s is next", i, f.ID, fragments[next].ID)
				}
				next++
				bytes += f.Size
				if k == 0 {
					continue
				}
				if f.Producer.Sub(part[k-1].Producer)-part[k-1].Length > time.Second+40*time.Millisecond {
					t.Fatalf("part %d crosses a gap", i)
				}
				if length <= time.Hour && len(parts) > 1 && !f.Producer.Truncate(time.Minute).Equal(part[0].Producer.Truncate(time.Minute)) {
					t.Fatalf("part %d crosses a minute", i)
				}
			}
			if len(part) > 200 || bytes > 90_000_000 && len(part) > 1 {
				t.Fatalf("part %d has %d fragments, %d bytes", i, len(part), bytes)
			}
			before := next - len(part)
			gap := before > 0 && fragments[before].Producer.Sub(fragments[before-1].Producer)-fragments[before-1].Length > time.Second+40*time.Millisecond
			if gap != gaps[i] {
				t.Fatalf("part %d: gap before it %t, want %t", i, gaps[i], gap)
			}
		}
		if next != len(fragments) {
			t.Fatalf("%d of %d fragments", next, len(fragments))
		}
	}
}

// TestPlanKeepsEqualTimesTogether: a call asks by time, so that it cannot part two fragments of one.
func TestPlanKeepsEqualTimesTogether(t *testing.T) {
	fragments := made(base(), 1000, 100*time.Millisecond, 1000)
	for i := range fragments {
		fragments[i].Producer = fragments[i-i%3].Producer
	}
	parts, _ := cut(fragments, time.Hour, time.Minute, time.Second, 0)
	total := 0
	for i, p := range parts {
		total += len(p)
		if i > 0 && !p[0].Producer.After(parts[i-1][len(parts[i-1])-1].Producer) {
			t.Errorf("part %d begins at the time at which the one before ends", i)
		}
		if len(p) > 200 {
			t.Errorf("part %d has %d fragments", i, len(p))
		}
	}
	if total != len(fragments) || len(parts) < 6 {
		t.Errorf("%d parts, %d of %d fragments", len(parts), total, len(fragments))
	}
}

// TestPlanSharesParts: the parts of a clip that lies within another are its parts, but for the first and the last.
func TestPlanSharesParts(t *testing.T) {
	fragments := made(base().Add(300*time.Millisecond), 1800, 2*time.Second, 1000)
	hour, _ := cut(fragments, time.Hour, 0, time.Second, 40*time.Millisecond)
	known := map[string]bool{}
	for _, p := range hour {
		known[fmt.Sprint(p)] = true
	}
	inner, _ := cut(fragments[100:700], 20*time.Minute, 0, time.Second, 40*time.Millisecond)
	for i, p := range inner[1 : len(inner)-1] {
		if !known[fmt.Sprint(p)] {
			t.Errorf("part %d is none of the hour's", i+1)
		}
	}
}
