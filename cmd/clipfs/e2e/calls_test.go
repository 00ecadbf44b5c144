//go:build e2e

package e2e_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// TestManyReaders: however many read a cold clip at once, it is fetched once.
func TestManyReaders(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--latency", "300ms", "--bandwidth", "500kB/s")
	m := harness.StartMount(t, e)
	path := m.Join("testcard", nameOf(time.Now().Add(-time.Hour).Truncate(time.Minute)), "1m.mp4")
	contents := make([][]byte, 64)
	var wg sync.WaitGroup
	for i := range contents {
		wg.Go(func() {
			var err error
			if contents[i], err = os.ReadFile(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i, c := range contents {
		if len(c) < 100_000 || !bytes.Equal(c, contents[0]) {
			t.Errorf("reader %d got %d bytes, reader 0 %d, or others", i, len(c), len(contents[0]))
		}
	}
	if got := e.Calls(t, "GetClip"); got != 1 {
		t.Errorf("64 readers cost %d GetClip calls, want 1", got)
	}
	if _, err := os.ReadFile(path); err != nil {
		t.Error(err)
	}
	if got := e.Calls(t, "GetClip"); got != 1 {
		t.Errorf("reading again cost %d GetClip calls", got-1)
	}
}

// TestLookingCostsNoMedia: listing, walking and adding up sizes fetch no media, cold or warm.
func TestLookingCostsNoMedia(t *testing.T) {
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--stream", "other=testcard", "--retention", "2h")
	m := harness.StartMount(t, e, "--log-level", "info")
	file := m.Join("testcard", nameOf(time.Now().Add(-time.Hour).Truncate(time.Minute)), "5m.mp4")
	for _, command := range [][]string{
		{"ls", "-lR", m.Path}, {"find", m.Path, "-type", "f", "-size", "+1k"}, {"du", "-a", m.Join("testcard")}, {"du", "--apparent-size", m.Join("other")},
		{"stat", file}, {"ls", "-la", filepath.Dir(file)}, {"df", m.Path},
	} {
		if out := harness.Run(t, command[0], command[1:]...); len(out) == 0 {
			t.Errorf("%q says nothing", command)
		}
	}
	if got := e.Calls(t, "GetClip"); got != 0 {
		t.Errorf("%d GetClip calls", got)
	}
	if got := e.Calls(t, "ListFragments"); got == 0 || got > 100 {
		t.Errorf("%d ListFragments calls for two streams of two hours", got)
	}
}
