//go:build e2e

package e2e_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// longAgo names a minute whose footage is complete.
func longAgo() string { return nameOf(time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Minute)) }

// TestJoinedWhileTheArchiveIsAway: a clip of many parts that is open gives what it has, fails in time for what it has
// not, and reads on when the archive is back, the same bytes as any other mount.
func TestJoinedWhileTheArchiveIsAway(t *testing.T) {
	t.Parallel() // it waits for the most part
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--bandwidth", "300kB/s")
	m := harness.StartMount(t, e, "--read-timeout", "5s", "--eager", "0")
	path := m.Join("testcard", longAgo(), "10m.mp4")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	head, tail := make([]byte, 4096), make([]byte, 4096)
	if _, err := f.ReadAt(head, 0); err != nil {
		t.Fatal(err)
	}
	e.Kill(t)
	begun := time.Now()
	if _, err := f.ReadAt(tail, info.Size()-4096); !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("got %v, want ETIMEDOUT", err)
	}
	if took := time.Since(begun); took > 20*time.Second { // 5 s, and room for a machine that is busy
		t.Errorf("the read failed after %s", took)
	}
	if _, err := f.ReadAt(head, 0); err != nil {
		t.Errorf("the head, which is on disk: %v", err)
	}
	e.Restart(t)
	if _, err := f.ReadAt(tail, info.Size()-4096); err != nil {
		t.Errorf("the archive is back: %v", err)
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got[:4096], head) || !bytes.Equal(got[len(got)-4096:], tail) {
		t.Errorf("the file is not the one that was begun: %v", err)
	}
	other := harness.StartMount(t, e)
	want, err := os.ReadFile(other.Join("testcard", longAgo(), "10m.mp4"))
	if err == nil && longAgo() == path[len(m.Join("testcard"))+1:len(path)-len("/10m.mp4")] && !bytes.Equal(got, want) {
		t.Errorf("%d bytes, and %d by another mount", len(got), len(want))
	}
	if err != nil {
		t.Error(err)
	}
}

// TestJoinedAfterACrash: a mount that was killed while it opened a long clip goes on where it was: what heads it had are
// not fetched again.
func TestJoinedAfterACrash(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off") // a mount keeps to it by itself; one that is new could be refused
	cache := t.TempDir()
	first := harness.StartMountWith(t, e, nil, cache, "--eager", "0", "--read-ahead", "0", "--connections", "4")
	name := longAgo()
	opening := exec.Command("head", "-c", "1", first.Join("testcard", name, "1h.mp4")) // 1,800 points, which take seconds
	if err := opening.Start(); err != nil {
		t.Fatal(err)
	}
	heads := func() (n int) { // that are whole on the disk
		t.Helper()
		files, err := filepath.Glob(filepath.Join(cache, "heads", "data2", "h-*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if filepath.Ext(file) != ".part" {
				n++
			}
		}
		return n
	}
	eventually(t, "some heads are on the disk", func() bool { return heads() >= 25 })
	first.Kill(t)
	_ = opening.Wait() // it got an error
	kept := heads()
	second := harness.Remount(t, first, e, "--eager", "0", "--read-ahead", "0", "--connections", "4")
	f, err := os.Open(second.Join("testcard", name, "1h.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	const parts = 60
	// By its log, as the emulator may still take up calls of the one that was killed.
	if again := strings.Count(second.Log(), "msg=call api=GetClip"); again != parts-kept || kept == parts {
		t.Errorf("%d GetClip calls for %d parts; %d heads were on the disk", again, parts, kept)
	}
}

// TestJoinedOpenInterrupted: whoever waits for a long clip to open can be stopped, and nobody else waits for it.
func TestJoinedOpenInterrupted(t *testing.T) {
	t.Parallel() // it waits for the most part
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--retention", "72h")
	m := harness.StartMount(t, e)
	day := time.Now().UTC().Add(-48 * time.Hour).Truncate(time.Hour)
	path := m.Join("testcard", nameOf(day), "24h.mp4")
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	if size := xattr(t, path, "user.clipfs.size"); size == "estimate" || size == "exact" {
		t.Errorf("user.clipfs.size: %q, want how long opening takes", size)
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		freed(t, "open of a day", signal, "cat", path)
	}
	begun := time.Now()
	if _, err := os.ReadFile(m.Join("testcard", nameOf(day.Add(time.Hour)), "1m.mp4")); err != nil {
		t.Errorf("a minute, meanwhile: %v", err)
	}
	t.Logf("a minute took %s while a day was being opened", time.Since(begun))
	// What is under way lingers for some seconds; the rest of the day would take minutes.
	deadline := time.Now().Add(30 * time.Second)
	for before := e.Calls(t, "GetClip"); ; {
		time.Sleep(3 * time.Second)
		now := e.Calls(t, "GetClip")
		if now == before {
			break
		}
		if before = now; time.Now().After(deadline) {
			t.Fatalf("still GetClip calls for a clip that nobody opens any more: %d", now)
		}
	}
}
