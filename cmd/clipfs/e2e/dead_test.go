//go:build e2e

package e2e_test

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// TestDeadEndpoint: where nobody listens that is logged at once, a listing fails within a sixth of the read timeout, and at
// once when that has been so for longer; a service that starts is found within a second. When it dies, look-ups of what is
// not known fail as soon, an open takes the read timeout, and a mount that is to end does not wait for it.
func TestDeadEndpoint(t *testing.T) {
	t.Parallel() // it waits for the most part
	const timeout, brief = 12 * time.Second, 2 * time.Second
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	m := harness.StartMount(t, &harness.Emulator{Endpoint: "http://" + address}, "--read-timeout", timeout.String(),
		"--metadata-ttl", "10m", "--grace", "5m", "--log-level", "info")
	begun := time.Now()
	if !m.Logs("connection refused") {
		t.Errorf("nothing is logged in %s:\n%s", time.Since(begun), m.Log())
	}
	fails := func(what string, least, most time.Duration, call func() error) {
		t.Helper()
		begun := time.Now()
		err := call()
		took := time.Since(begun)
		if !errors.Is(err, syscall.ETIMEDOUT) || took < least || took > most {
			t.Errorf("%s: %v after %s, want ETIMEDOUT after %s to %s", what, err, took, least, most)
		}
	}
	list := func() error { _, err := os.ReadDir(m.Path); return err }
	fails("the first listing", 0, 3*brief, list)
	fails("another", 0, brief, list)

	e := harness.StartEmulatorAt(t, address, "--stream", "testcard=testcard", "--retention", "5h")
	begun = time.Now()
	for list() != nil && time.Since(begun) < time.Minute {
		time.Sleep(10 * time.Millisecond)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("the service was found %s after it had started, want a second", took)
	}
	if !m.Logs("the archive answers again") {
		t.Errorf("the log does not say that it answers again:\n%s", m.Log())
	}

	known := m.Join("testcard", nameOf(time.Now().UTC().Add(-2*time.Hour).Truncate(time.Minute)), "1m.mp4")
	if _, err := os.Stat(known); err != nil {
		t.Fatal(err)
	}
	e.Kill(t)
	fails("a look-up", brief/2, 3*brief, func() error {
		_, err := os.Stat(m.Join("testcard", nameOf(time.Now().UTC().Add(-3*time.Hour).Truncate(time.Minute)), "1m.mp4"))
		return err
	})
	read := func() error { _, err := os.ReadFile(known); return err }
	fails("an open", timeout-time.Second, timeout+10*time.Second, read)

	answer := make(chan error, 1)
	go func() { answer <- read() }()
	time.Sleep(500 * time.Millisecond) // it waits for the service by then
	begun = time.Now()
	m.Signal(t, syscall.SIGTERM)
	m.WaitEnd(t)
	if took := time.Since(begun); took > timeout/2 {
		t.Errorf("it ended %s after the signal, although nothing but a dead service was waited for", took)
	}
	if err := <-answer; !errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("who waited got %v, want ETIMEDOUT", err)
	}
}
