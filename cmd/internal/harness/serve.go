package harness

import (
	"regexp"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/child"
)

// Web is "clipfs serve" in a process of its own.
type Web struct {
	// URL is that of the root, without a slash at the end.
	URL     string
	process *child.Process
}

// StartWeb serves an emulator's streams over HTTP on a port that is free, with a fresh cache, and waits until that is done.
func StartWeb(t testing.TB, e *Emulator, args ...string) *Web {
	t.Helper()
	all := append([]string{"serve", "--endpoint-url", e.Endpoint, "--cache-dir", t.TempDir(), "--log-level", "debug", "--cache-min-free", "0", "--grace", "2s"}, args...)
	if len(args) == 0 || args[len(args)-1][0] == '-' || !regexp.MustCompile(`:\d+$`).MatchString(args[len(args)-1]) {
		all = append(all, "127.0.0.1:0")
	}
	w := &Web{process: start(t, Binary(t), nil, all...)}
	w.URL = urlOf(t, w.process)
	return w
}

// WebURL gives where a mount serves over HTTP (--serve).
func (m *Mount) WebURL(t testing.TB) string {
	t.Helper()
	return urlOf(t, m.process)
}

// urlOf waits for the line that says where a process serves over HTTP.
func urlOf(t testing.TB, p *child.Process) string {
	t.Helper()
	line := regexp.MustCompile(`msg=serving url=(\S+)/\n`)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if match := line.FindStringSubmatch(p.Log()); match != nil {
			return match[1]
		}
		if p.Ended() {
			break
		}
	}
	t.Fatalf("it does not serve: %s", p.Tail())
	return ""
}

// Stop ends it with a signal and waits for that.
func (w *Web) Stop(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := w.process.Stop(signal); err != nil {
		t.Fatal(err)
	}
}

// Log is what it has written to stderr so far.
func (w *Web) Log() string { return w.process.Log() }

// PID is the process that serves.
func (w *Web) PID() int { return w.process.Cmd.Process.Pid }
