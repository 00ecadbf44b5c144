//go:build e2e

package e2e_test

import (
	"os"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// TestWitnessCut: a payload that ends early behind a box of media of open size is not served as if that were all, and not
// kept: neither when it always does, nor when it did once.
func TestWitnessCut(t *testing.T) {
	t.Parallel()
	start := testStart()
	var streams []harness.WitnessStream
	for name, fragments := range map[string]int{"one": 40, "many": witnessFragments} {
		for often, n := range map[string]int{"always": -1, "once": 1} {
			for _, odd := range []string{"size0", ""} {
				streams = append(streams, harness.WitnessStream{Name: name + "-" + often + "-" + odd, File: witnessSource(t, "h264 B"),
					Start: start.UnixMilli(), Fragments: fragments, Cut: n, Odd: odd, Layout: "chunked"})
			}
		}
	}
	w := startWitness(t, streams...)
	m := harness.StartMount(t, w.Emulator, "--part", "20s", "--read-timeout", "9s")
	for _, s := range streams {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			path := m.Join(s.Name, nameOf(start.Add(-time.Second)), "5m.mp4")
			if s.Cut == 1 {
				mustHaveAll(t, w, s.Name, path)
				mustHaveAll(t, w, s.Name, path)
				return
			}
			for range 2 {
				if content, err := os.ReadFile(path); err == nil {
					t.Errorf("%d bytes and no error", len(content))
				}
			}
		})
	}
}
