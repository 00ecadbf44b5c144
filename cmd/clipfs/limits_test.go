//go:build e2e

package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// bytesOf is how many bytes an API has sent.
func bytesOf(t *testing.T, e *harness.Emulator, api string) int64 {
	t.Helper()
	var n int64
	for _, c := range e.Counts(t) {
		if c.API == api {
			n += c.Bytes
		}
	}
	return n
}

// counted is what a mount has noted in its cache directory that it was sent this day.
func counted(t *testing.T, m *harness.Mount) int64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.Cache, "fetched.json"))
	if err != nil {
		t.Fatal(err)
	}
	var noted map[string]struct{ Bytes int64 }
	if err := json.Unmarshal(text, &noted); err != nil {
		t.Fatal(err)
	}
	return noted["month"].Bytes
}

// TestFetchLimitEndsReads: through a mount, in the middle of a read, and after a restart.
func TestFetchLimitEndsReads(t *testing.T) {
	e := testcard(t, "--bandwidth", "2MB/s") // so that reads wait for what they read
	const limit = "1500KB/month"
	m := harness.StartMount(t, e, "--fetch-limit", limit)
	start := ago(2 * time.Hour)
	cached := m.Join("door", start, "1m.mp4")
	want, err := os.ReadFile(cached)
	if err != nil {
		t.Fatal(err)
	}
	if len(want) > 1_000_000 {
		t.Fatalf("a minute has %d bytes, so the test shows nothing", len(want))
	}
	long := m.Join("door", ago(3*time.Hour), "6m.mp4")
	f, err := os.Open(long)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got bytes.Buffer
	if _, err := got.ReadFrom(f); !errors.Is(err, unix.EDQUOT) || got.Len() == 0 {
		t.Errorf("a read that reaches the limit: %d bytes, then %v; want some and %v", got.Len(), err, unix.EDQUOT)
	}
	if _, err := os.ReadFile(m.Join("door", ago(4*time.Hour), "1m.mp4")); !errors.Is(err, unix.EDQUOT) {
		t.Errorf("another clip: %v, want %v", err, unix.EDQUOT)
	}
	value := make([]byte, 1000)
	n, err := unix.Getxattr(long, "user.clipfs.error", value)
	if text := string(value[:max(n, 0)]); err != nil || !strings.Contains(text, "fetch limit reached") || !strings.Contains(text, "more from") {
		t.Errorf("user.clipfs.error is %q, %v", text, err)
	}
	if again, err := os.ReadFile(cached); err != nil || !bytes.Equal(again, want) {
		t.Errorf("what is in the cache: %d bytes of %d, %v", len(again), len(want), err)
	}
	if n := strings.Count(m.Log(), "fetch limit reached: only"); n != 1 {
		t.Errorf("the limit is logged %d times, want once", n)
	}
	sent := bytesOf(t, e, "GetClip")
	const most = 1_500_000 + 4<<20 // what was on its way to connections that were given up
	if noted := counted(t, m); noted < 1_500_000 || noted > sent || sent > most {
		t.Errorf("the emulator sent %d bytes of 1500 KB, of which %d are noted", sent, noted)
	}
	m.Kill(t)
	calls := e.Calls(t, "GetClip")
	m = harness.Remount(t, m, e, "--fetch-limit", limit)
	if _, err := os.ReadFile(m.Join("door", ago(4*time.Hour), "1m.mp4")); !errors.Is(err, unix.EDQUOT) {
		t.Errorf("after a restart: %v, want %v", err, unix.EDQUOT)
	}
	if again, err := os.ReadFile(cached); err != nil || !bytes.Equal(again, want) {
		t.Errorf("what is in the cache, after a restart: %v", err)
	}
	if n := e.Calls(t, "GetClip") - calls; n != 0 {
		t.Errorf("%d GetClip past the limit", n)
	}
}

// TestLedgerAgreesWithTheService: what is noted is what was sent, of clips that are read whole and of one that is given up.
func TestLedgerAgreesWithTheService(t *testing.T) {
	t.Parallel() // it waits for the most part
	e := testcard(t)
	m := harness.StartMount(t, e, "--eager", "0", "--read-ahead", "0")
	for _, name := range []string{"1m.mp4", "2m.mp4", "5m.mp4"} {
		if _, err := os.ReadFile(m.Join("door", ago(3*time.Hour), name)); err != nil {
			t.Fatal(err)
		}
	}
	agree := func(least float64) {
		t.Helper()
		defer func() {
			t.Logf("the emulator sent %d bytes, and %d are noted", bytesOf(t, e, "GetClip"), counted(t, m))
		}()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			sent, noted := bytesOf(t, e, "GetClip"), counted(t, m)
			if float64(noted) >= least*float64(sent) && noted <= sent {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the emulator sent %d bytes, and %d are noted", sent, noted)
			}
		}
	}
	agree(1)
	// Of an hour the heads only. What was on its way when they had come is sent too, and nobody reads it; without that it
	// would be a third that is noted. What is left in the emulator's own socket when a connection is closed counts as sent and
	// never arrives: a tenth of a per cent.
	f, err := os.Open(m.Join("door", ago(4*time.Hour), "1h.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	agree(0.995)
}

// TestBandwidthLimit: several readers together are held to it.
func TestBandwidthLimit(t *testing.T) {
	m := harness.StartMount(t, testcard(t), "--bandwidth-limit", "300KB/s")
	begun, total := time.Now(), 0
	errs := make(chan error)
	sizes := make(chan int)
	for i := range 2 {
		go func() {
			b, err := os.ReadFile(m.Join("door", ago(time.Duration(3+i)*time.Hour), "1m.mp4"))
			sizes <- len(b)
			errs <- err
		}()
	}
	for range 2 {
		total += <-sizes
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if took, least := time.Since(begun).Seconds(), float64(total)/300_000-0.2; took < least || total == 0 {
		t.Errorf("%d bytes took %.1f s, want at least %.1f", total, took, least)
	}
}
