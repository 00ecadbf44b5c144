//go:build e2e

package e2e_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// TestMaxOpenWait: an open that takes too long fails in time, says why, and goes on, so that trying again succeeds without a call
// made twice; warm --heads tries again by itself, and fetches heads once.
func TestMaxOpenWait(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "door=testcard") // with its quota: 600 fragments take 500 at once, and 100 a fifth of a second
	m := harness.StartMount(t, e, "--max-open-wait", "1s", "--eager", "0", "--read-ahead", "0")
	at := time.Now().UTC().Add(-4 * time.Hour).Truncate(time.Hour)
	path := m.Join("door", at.Format("2006-01-02T15:04"), "1h.mp4") // 1,800 fragments, 500 points a second
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	f, err := os.Open(path)
	if took := time.Since(begun); !errors.Is(err, unix.ETIMEDOUT) || took > 2500*time.Millisecond {
		if err == nil {
			_ = f.Close()
		}
		t.Fatalf("open: %v after %s, want ETIMEDOUT after 1 s", err, took)
	}
	why := xattr(t, path, "user.clipfs.error")
	if !strings.Contains(why, "--max-open-wait (1s)") || !strings.Contains(why, "of 60 heads have still to come") || !strings.Contains(why, "background") {
		t.Errorf("user.clipfs.error is %q", why)
	}
	eventually(t, "it goes on by itself", func() bool { return xattr(t, path, "user.clipfs.size") == "exact" })
	calls := e.Calls(t, "GetClip")
	begun = time.Now()
	if f, err = os.Open(path); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if more := e.Calls(t, "GetClip") - calls; more != 0 || time.Since(begun) > time.Second || calls > 70 {
		t.Errorf("opened after %s for %d GetClip calls, of %d before", time.Since(begun), more, calls)
	}
	other := m.Join("door", at.Add(-2*time.Hour).Format("2006-01-02T15:04"), "1h.mp4")
	out := string(harness.Run(t, harness.Binary(t), "warm", "--heads", path, other))
	if !strings.Contains(out, "2 clips open at once now") || e.Calls(t, "GetClip")-calls > 70 {
		t.Errorf("warm --heads says %q, for %d GetClip calls", out, e.Calls(t, "GetClip")-calls)
	}
	if missing := xattr(t, other, "user.clipfs.missing"); missing == "0" {
		t.Error("warm --heads has fetched the media")
	}
	begun, calls = time.Now(), e.Calls(t, "GetClip")
	if f, err = os.Open(other); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if more := e.Calls(t, "GetClip") - calls; more != 0 {
		t.Errorf("after warm --heads opening made %d GetClip calls, in %s", more, time.Since(begun))
	}
}

// TestMaxOpenWaitGivesUp: what goes on in the background ends when nothing comes, and the next open tells of that.
func TestMaxOpenWaitGivesUp(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "door=testcard", "--quota", "off")
	m := harness.StartMount(t, e, "--max-open-wait", "500ms", "--read-timeout", "3s")
	path := m.Join("door", time.Now().UTC().Add(-4*time.Hour).Truncate(time.Hour).Format("2006-01-02T15:04"), "1m.mp4")
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	fault := e.Fault(t, "kind=stall,api=GetClip,at=0")
	for range 3 {
		begun := time.Now()
		if _, err := os.Open(path); !errors.Is(err, unix.ETIMEDOUT) || time.Since(begun) > 2*time.Second {
			t.Fatalf("open: %v after %s", err, time.Since(begun))
		}
	}
	if !m.Logs("fetch given up") {
		eventually(t, "given up", func() bool { return strings.Contains(m.Log(), "fetch given up") })
	}
	calls := e.Calls(t, "GetClip")
	time.Sleep(1500 * time.Millisecond)
	if more := e.Calls(t, "GetClip") - calls; more != 0 {
		t.Errorf("%d more calls after it was given up", more)
	}
	fault.Remove(t)
	if f, err := os.Open(path); err != nil {
		t.Errorf("once the service answers: %v", err)
	} else {
		_ = f.Close()
	}
}
