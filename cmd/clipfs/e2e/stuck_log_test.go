//go:build e2e

package e2e_test

import (
	"os"
	"sync"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// TestLogThatNobodyReads: a mount whose log nobody takes goes on answering, and tells afterwards how many lines are lost.
// Whoever should read the log may be waiting for the mount himself.
func TestLogThatNobodyReads(t *testing.T) {
	const asked = 15_000 // a line each, together several times what a pipe and the mount hold
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e)
	path := m.Join("testcard", nameOf(time.Now().Add(-time.Hour)), "1m.mp4")
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	release := sync.OnceFunc(m.HoldLog())
	defer release()
	begun := time.Now()
	value := make([]byte, 64)
	for range asked {
		if _, err := unix.Getxattr(path, "user.clipfs.stream", value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.ReadFile(path); err != nil {
		t.Error(err)
	}
	t.Logf("%d answers and a clip in %s", asked, time.Since(begun))
	release()
	for deadline := time.Now().Add(30 * time.Second); !m.Logs("lines of the log are lost"); {
		if time.Now().After(deadline) {
			t.Fatal("no word of lost lines")
		}
		time.Sleep(10 * time.Millisecond)
	}
}
