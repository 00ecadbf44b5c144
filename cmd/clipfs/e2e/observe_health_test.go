//go:build e2e

package e2e_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/fuseconn"
	"clipfs/cmd/internal/harness"
)

// healthy asks a mount how it is.
func healthy(t *testing.T, url string) (ok bool, said string) {
	t.Helper()
	status, said := harness.Get(t, strings.TrimSuffix(url, "metrics")+"healthz")
	if status != 200 && status != 503 {
		t.Fatalf("status %d: %s", status, said)
	}
	return status == 200, said
}

// sick waits until a mount says that it is not well, and why.
func sick(t *testing.T, url, because string) {
	t.Helper()
	eventually(t, "503 because of "+because, func() bool {
		ok, said := healthy(t, url)
		return !ok && strings.Contains(said, because)
	})
}

// TestHealthOfCredentials: /healthz fails while the service does not take the credentials, and only then.
func TestHealthOfCredentials(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "door=testcard")
	m := harness.StartMount(t, e, observed("--metadata-ttl", "10ms")...)
	url := m.MetricsURL(t)
	eventually(t, "well", func() bool { ok, _ := healthy(t, url); return ok })
	for _, kind := range []string{"denied", "deleted", "status,status=500"} {
		fault := e.Fault(t, "kind="+kind+",api=DescribeStream,count=1")
		_, _ = os.Stat(m.Join("another-" + kind[:4])) // what becomes of it is not the point
		if fault.Hits(t) == 0 {
			t.Errorf("%s: no call was made", kind)
		}
		if ok, said := healthy(t, url); !ok {
			t.Errorf("%s: not well: %s", kind, said)
		}
		fault.Remove(t)
	}
	expired := e.Fault(t, "kind=expired")
	if _, err := os.ReadDir(m.Path); err == nil {
		t.Error("listed with expired credentials")
	}
	sick(t, url, "credentials")
	if s, _ := scrape(t, m); s.sum(t, "credentials_up") != 0 || s.sum(t, "mount_up") != 1 || s.sum(t, "api_calls_total", "result=credentials") == 0 {
		t.Error("the metrics say otherwise")
	}
	status, err := os.ReadFile(m.Join(".clipfs", "status.json"))
	if err != nil || !strings.Contains(string(status), `"healthy": false`) {
		t.Errorf("the status says otherwise: %s, %v", status, err)
	}
	for _, secret := range []string{"test-secret", "AWS4-HMAC"} {
		if _, said := healthy(t, url); strings.Contains(said, secret) {
			t.Errorf("%q is in it: %s", secret, said)
		}
	}
	expired.Remove(t)
	if _, err := os.ReadDir(m.Path); err != nil {
		t.Error(err)
	}
	eventually(t, "well again", func() bool { ok, _ := healthy(t, url); return ok })
}

// TestHealthOfMount: /healthz fails as soon as the connection is aborted, although a request that is under way keeps the
// server from ending; and when the mount was taken out of the tree while a clip is open.
func TestHealthOfMount(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "door=testcard")
	m := harness.StartMount(t, e, observed()...)
	url := m.MetricsURL(t)
	stalled := e.Fault(t, "kind=stall,api=ListFragments,for=4s")
	conn, err := fuseconn.Find(m.Path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := os.Stat(m.Join("door", nameOf(time.Now().Add(-time.Hour)), "1m.mp4"))
		done <- err
	}()
	eventually(t, "the call stalls", func() bool { return stalled.Hits(t) > 0 })
	if err := conn.Abort(); err != nil {
		t.Fatal(err)
	}
	sick(t, url, "aborted")
	if err := <-done; err == nil {
		t.Error("an aborted connection answered")
	}
	if err := m.Outlive(t); err == nil {
		t.Error("ended without an error although the connection was aborted")
	}

	m = harness.StartMount(t, e, observed()...)
	url = m.MetricsURL(t)
	open, err := os.Open(m.Join("door", nameOf(time.Now().Add(-time.Hour).Truncate(time.Minute)), "1m.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Unmount(m.Path, syscall.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	sick(t, url, "not mounted")
	if n, err := open.Read(make([]byte, 1000)); n == 0 || err != nil {
		t.Errorf("what is open no longer reads: %v", err)
	}
	if err := open.Close(); err != nil {
		t.Error(err)
	}
	if err := m.Outlive(t); err != nil {
		t.Errorf("ended with %v", err)
	}
}
