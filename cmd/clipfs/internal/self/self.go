// Package self runs this program as another process, for what may hang on a mount: a process that serves a mount must not touch it,
// and a process that waits for a mount that does not answer can only be left behind.
//
//	Run     one command, for its output
//	Prober  a process that is asked again and again whether the server of a mount answers
//
// A probe is statfs(2), which the kernel always passes on to the server, and which ours answers from memory. An answer shows that
// the kernel's connection is there, that requests are taken from it, handled and answered. It does not show that footage can be had:
// that depends on the network and on permissions, and starting again mends neither.
package self

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Program is this program, even if its file was replaced or removed since.
const Program = "/proc/self/exe"

// Environment is this process's without what tells a mount its settings, whose addresses and files are in use, and how to talk to
// the service manager (sd_notify(3)).
func Environment() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "CLIPFS_") || strings.HasPrefix(entry, "NOTIFY_SOCKET=") || strings.HasPrefix(entry, "WATCHDOG_")
	})
}

// Run runs a program, this one as a rule, and gives what it writes to stdout. An error has what it wrote to stderr, without the name
// of the command. When ctx ends, the process is killed and not waited for.
func Run(ctx context.Context, program string, args ...string) (string, error) {
	type answer struct {
		text string
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		var out, said bytes.Buffer
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = Environment(), "/", &out, &said, time.Second
		err := cmd.Run() // it does not return before a killed process has ended, which one that hangs does not
		if _, text, ok := strings.Cut(strings.TrimSpace(said.String()), ": "); err != nil && ok {
			err = fmt.Errorf("%s (%w)", text, err)
		}
		done <- answer{out.String(), err}
	}()
	select {
	case a := <-done:
		if ctx.Err() == nil {
			return a.text, a.err
		}
	case <-ctx.Done():
	}
	return "", ctx.Err()
}
