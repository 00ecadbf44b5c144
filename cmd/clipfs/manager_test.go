//go:build e2e

package main_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/clipfs/internal/notify"
	"clipfs/cmd/clipfs/internal/self"
	"clipfs/cmd/internal/harness"
)

// managerSocket is a service manager's end of sd_notify: a datagram socket, whose messages come on the channel.
func managerSocket(t *testing.T) (path string, messages <-chan string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	all := make(chan string, 1000)
	go func() {
		defer close(all)
		buf := make([]byte, 4096)
		for {
			n, err := socket.Read(buf)
			if err != nil {
				return
			}
			all <- string(buf[:n])
		}
	}()
	return path, all
}

// await waits for a message that has all the words, and gives it. Others before it are passed over.
func await(t *testing.T, messages <-chan string, words ...string) string {
	t.Helper()
	timer := time.NewTimer(30 * time.Second)
	defer timer.Stop()
	for {
		select {
		case m := <-messages:
			missing := false
			for _, w := range words {
				missing = missing || !strings.Contains(m, w)
			}
			if !missing {
				return m
			}
		case <-timer.C:
			t.Fatalf("the service manager has not been told %q", words)
		}
	}
}

// TestServiceManagerIsTold: on a real socket, by the real program.
func TestServiceManagerIsTold(t *testing.T) {
	t.Parallel() // it waits for the most part
	e := testcard(t)
	socket, messages := managerSocket(t)
	env := []string{"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=1000000"}
	m := harness.StartMountWith(t, e, env, t.TempDir(), "--grace", "10s")
	await(t, messages, "READY=1", "STATUS=serving "+m.Path)
	for range 5 { // more than a period
		await(t, messages, "WATCHDOG=1")
	}
	f, err := os.Open(m.Join("door", ago(2*time.Hour), "1m.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	m.Signal(t, syscall.SIGTERM)
	await(t, messages, "STOPPING=1", "STATUS=serving what is open", "EXTEND_TIMEOUT_USEC=15000000")
	eventually(t, "the mount is out of the tree", func() bool { return !m.Mounted(t) })
	for range 5 { // nothing to ask any more, and no reason to be ended
		await(t, messages, "WATCHDOG=1")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	m.WaitEnd(t)
}

// TestWatchdogIsSilentWhenTheServerIs: a server that is stopped does not answer, and one that has died neither; the manager
// then hears nothing.
func TestWatchdogIsSilentWhenTheServerIs(t *testing.T) {
	m := harness.StartMount(t, testcard(t))
	prober := self.NewProber(m.Path, probing)
	defer prober.Close()
	ask := func(longest time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), longest)
		defer cancel()
		return prober.Ask(ctx)
	}
	if err := ask(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	socket, messages := managerSocket(t)
	t.Setenv("NOTIFY_SOCKET", socket)
	const period = time.Second
	watch, end := context.WithCancel(t.Context())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		notify.New(nil).Watch(watch, period, prober.Ask)
	}()
	await(t, messages, "WATCHDOG=1")
	await(t, messages, "WATCHDOG=1")
	m.Signal(t, syscall.SIGSTOP)
	silence(t, messages, 2*period)
	m.Signal(t, syscall.SIGCONT)
	await(t, messages, "WATCHDOG=1")
	end()
	<-watched
	m.Kill(t)
	err := ask(30 * time.Second)
	// The kernel says ECONNABORTED to what is asked while it ends the connection, and ENOTCONN later.
	dead := err != nil && (strings.Contains(err.Error(), syscall.ENOTCONN.Error()) || strings.Contains(err.Error(), syscall.ECONNABORTED.Error()))
	if !errors.Is(err, self.ErrSilent) || !dead {
		t.Errorf("a mount whose server has died: %v, want %v", err, self.ErrSilent)
	}
	harness.Run(t, harness.Binary(t), "umount", m.Path)
}

// silence waits until no message has come for so long.
func silence(t *testing.T, messages <-chan string, longest time.Duration) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		select {
		case <-messages:
		case <-time.After(longest):
			return
		}
	}
	t.Fatal("the service manager goes on being told")
}
