package child_test

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/child"
)

// shell starts a script, which is stopped when the test ends.
func shell(t *testing.T, script string) *child.Process {
	t.Helper()
	p, err := child.Start("/bin/sh", nil, "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop(syscall.SIGKILL) })
	return p
}

// TestAwait: a text is waited for, also one that is the last word of a process, and one that does not come is an error.
func TestAwait(t *testing.T) {
	p := shell(t, "echo ready >&2; read line; echo over >&2; exit 3")
	if err := p.AwaitReady(t.Context(), "ready"); err != nil {
		t.Fatal(err)
	}
	if p.Ended() && !strings.Contains(p.Log(), "over") {
		t.Error("it has ended without a word")
	}
	if err := p.AwaitReady(t.Context(), "over"); err != nil { // stdin is empty
		t.Error(err)
	}
	if err := p.AwaitReady(t.Context(), "never"); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("a text that does not come: %v", err)
	}
	if !p.AwaitEnd() || p.Err == nil {
		t.Errorf("it ended with %v, want exit code 3", p.Err)
	}
	if err := shell(t, "exec sleep 60").Await(t.Context(), "never", 10*time.Millisecond); err == nil {
		t.Error("a text that does not come in time: no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := shell(t, "exec sleep 60").AwaitReady(ctx, "never"); err == nil {
		t.Error("a context that has ended: no error")
	}
}

// TestStop: a signal ends a process, whatever it ends with, and again is no error.
func TestStop(t *testing.T) {
	p := shell(t, "exec sleep 60")
	for range 2 {
		if err := p.Stop(syscall.SIGTERM); err != nil || !p.Ended() {
			t.Errorf("ended %t, %v", p.Ended(), err)
		}
	}
}

// TestStartServer: the endpoint is what the first line says, and stdin stays open where it was asked for.
func TestStartServer(t *testing.T) {
	p, endpoint, err := child.StartServer("/bin/sh", func(cmd *exec.Cmd) error {
		_, err := cmd.StdinPipe()
		return err
	}, "-c", `echo '{"endpoint":"http://here"}'; echo more; read line`)
	if err != nil || endpoint != "http://here" || p.Ended() {
		t.Errorf("%q, %v", endpoint, err)
	}
	if err := p.Stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if p, _, err = child.StartServer("/bin/sh", nil, "-c", "echo what"); err == nil || p == nil {
		t.Errorf("a line that is no endpoint: %v", err)
	}
}

// TestEnvironment: nothing of the developer's settings gets to a child.
func TestEnvironment(t *testing.T) {
	t.Setenv("AWS_PROFILE", "mine")
	t.Setenv("CLIPFS_CACHE_DIR", "/mine")
	env := child.Environment("X=y")
	if text := strings.Join(env, "\n"); strings.Contains(text, "mine") || !slices.Contains(env, "X=y") || !slices.Contains(env, "AWS_REGION=us-east-1") {
		t.Errorf("a child gets %s", text)
	}
	out, _, err := child.Run(t.Context(), "/bin/sh", "-c", "pwd; echo $AWS_PROFILE")
	if err != nil || string(out) != "/\n\n" {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := child.Output(t.Context(), "/bin/sh", "-c", "echo why >&2; exit 1"); err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("an error without its cause: %v", err)
	}
}
