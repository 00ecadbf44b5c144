//go:build e2e

package e2e_test

import (
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// aboveDebug gives the lines of a mount's log about a stream that are not for developers only, nor of any clip.
func aboveDebug(m *harness.Mount, stream string) (lines []string) {
	usual := regexp.MustCompile(`level=DEBUG|msg=opening |msg=joined |msg="clip fetched"`)
	for line := range strings.Lines(m.Log()) {
		if strings.Contains(line, "stream="+stream+" ") && !usual.MatchString(line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestWitnessFewer: calls that bring a fragment less than was listed, always, cost two calls a part and twice the logarithm
// of its fragments, and nobody but a developer is told of what heals.
func TestWitnessFewer(t *testing.T) {
	t.Parallel()
	start := testStart()
	var streams []harness.WitnessStream
	for _, odd := range []string{"fewer-first", "fewer-last"} {
		streams = append(streams, harness.WitnessStream{Name: odd, File: witnessSource(t, "h264 B"), Start: start.UnixMilli(), Odd: odd, Layout: "last"})
	}
	w := startWitness(t, streams...)
	m := harness.StartMount(t, w.Emulator, "--part", "20s")
	for _, s := range streams {
		t.Run(s.Name, func(t *testing.T) {
			mustHaveAll(t, w, s.Name, m.Join(s.Name, nameOf(start.Add(-time.Second)), "5m.mp4"))
			parts := make(map[int64]float64) // fragments of each cell of the grid
			for _, f := range w.Truth(t, s.Name).Fragments {
				parts[f.Producer/20_000]++
			}
			most := 0.0
			for _, n := range parts {
				most += 2 + 2*math.Ceil(math.Log2(n))
			}
			if n := callsOf(t, w.Emulator, s.Name)["GetClip"]; float64(n) > most {
				t.Errorf("%d calls of GetClip for %d parts, want at most %.0f", n, len(parts), most)
			}
			if lines := aboveDebug(m, s.Name); len(lines) > 0 {
				t.Errorf("%d lines above debug:\n%s", len(lines), strings.Join(lines, ""))
			}
		})
	}
}

// TestWitnessMore: a payload with a fragment more than was listed is told of in an attribute and in one line of the log. In a
// clip of many parts it is in none of the tables (TestWitness).
func TestWitnessMore(t *testing.T) {
	t.Parallel()
	start := testStart()
	var streams []harness.WitnessStream
	for _, odd := range []string{"more-before", "more-after", "twice"} {
		for _, span := range []string{"one", "many"} {
			streams = append(streams, harness.WitnessStream{Name: odd + "-" + span, File: witnessSource(t, "h264 B"), Start: start.UnixMilli(), Odd: odd})
		}
	}
	streams = append(streams, harness.WitnessStream{Name: "usual-one", File: witnessSource(t, "h264 B"), Start: start.UnixMilli()},
		harness.WitnessStream{Name: "usual-many", File: witnessSource(t, "h264 B"), Start: start.UnixMilli()})
	w := startWitness(t, streams...)
	m := harness.StartMount(t, w.Emulator, "--part", "20s", "--log-level", "info")
	for _, s := range streams {
		path := m.Join(s.Name, nameOf(start.Add(2*time.Second)), "9s.mp4")
		if strings.HasSuffix(s.Name, "many") {
			path = m.Join(s.Name, nameOf(start.Add(-time.Second)), "5m.mp4")
		}
		if _, err := os.ReadFile(path); err != nil {
			t.Errorf("%s: %v %s", s.Name, err, xattrIfAny(path, "user.clipfs.error"))
			continue
		}
		note, told := xattrIfAny(path, "user.clipfs.note"), 0
		if note != "" {
			m.Logs(`"unusual footage" stream=` + s.Name + " ") // what is logged comes through a pipe
		}
		for _, line := range aboveDebug(m, s.Name) {
			if strings.Contains(line, "listing") || strings.Contains(line, "listed") {
				told++
			}
		}
		want := 1
		if s.Odd == "" {
			want = 0
		}
		if (note != "") != (want == 1) || told != want {
			t.Errorf("%s: note %q, %d lines of the log:\n%s", s.Name, note, told, strings.Join(aboveDebug(m, s.Name), ""))
		}
	}
}
