package harness

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"clipfs/cmd/internal/child"
)

// start starts a program in a directory of the test's. See keep.
func start(t testing.TB, program string, env []string, args ...string) *child.Process {
	t.Helper()
	p, err := child.Start(program, func(cmd *exec.Cmd) error {
		cmd.Dir, cmd.Env = t.TempDir(), child.Environment(env...)
		return nil
	}, args...)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, p)
	return p
}

// startServer starts a program that says where it is, in a directory of the test's. See keep.
func startServer(t testing.TB, program string, args ...string) *Emulator {
	t.Helper()
	p, endpoint, err := child.StartServer(program, func(cmd *exec.Cmd) error {
		cmd.Dir = t.TempDir()
		_, err := cmd.StdinPipe() // which ends with this process
		return err
	}, args...)
	if p != nil {
		keep(t, p)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &Emulator{Endpoint: endpoint, process: p}
}

// keep stops a process when the test ends, and shows its log if the test failed or there was a data race.
func keep(t testing.TB, p *child.Process) {
	t.Helper()
	t.Cleanup(func() {
		name := filepath.Base(p.Cmd.Path) + " " + p.Cmd.Args[1]
		if err := p.Stop(syscall.SIGINT); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if t.Failed() || strings.Contains(p.Log(), "DATA RACE") {
			t.Errorf("log of %s:\n%s", name, p.Tail())
		}
	})
}
