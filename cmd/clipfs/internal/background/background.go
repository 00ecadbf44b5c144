// Package background runs this program again as a process of its own, in a session of its own, and waits until that says that it
// is ready or has failed. A Go program cannot fork: the process in the background is a new one, with the same arguments, that
// finds out from its environment what it is.
package background

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"clipfs/cmd/clipfs/internal/self"

	"golang.org/x/sys/unix"
)

const (
	// variable tells a process that it is in the background, and by which of its own descriptors to say that it is ready. It
	// is none of the variables that stand for flags.
	variable = "_CLIPFS_READY_FD"
	// readyFD is the first of exec.Cmd.ExtraFiles.
	readyFD = 3
	// lastWords is how long what the process said until it was ready may take to arrive.
	lastWords = time.Second
)

// EndedError is that of a process that has ended instead of being ready. What was wrong it has said itself.
type EndedError struct {
	// Code is its exit code.
	Code int
}

func (e *EndedError) Error() string {
	return fmt.Sprintf("the process in the background ended with exit code %d", e.Code)
}

// Start runs this program in the background under a name and with arguments. What that writes to stderr until it is ready goes to
// stderr. It returns nil when the process is ready, and EndedError when it has ended before. When ctx ends before, the
// process is told to end.
func Start(ctx context.Context, stderr io.Writer, name string, args ...string) error {
	cmd := exec.Command(self.Program) //nolint:noctx // it outlives this process
	cmd.Args = append([]string{name}, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	said, ready, err := start(cmd)
	if err != nil {
		return fmt.Errorf("process in the background: %w", err)
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(stderr, said) // nobody can be told
	}()
	defer said.Close()
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) }) // it may have ended
	defer stop()
	_, err = ready.Read(make([]byte, 1))
	if closed := ready.Close(); closed != nil {
		return closed
	}
	if err == nil {
		select {
		case <-copied:
		case <-time.After(lastWords):
		}
		return cmd.Process.Release()
	}
	ended := cmd.Wait()
	<-copied
	var exit *exec.ExitError
	switch {
	case errors.As(ended, &exit) && exit.Exited():
		return &EndedError{Code: exit.ExitCode()}
	case ctx.Err() != nil:
		return ctx.Err()
	case ended == nil:
		ended = errors.New("it ended before it was ready")
	}
	return fmt.Errorf("process in the background: %w", ended)
}

// start starts the process, and gives where its stderr and its word that it is ready can be read.
func start(cmd *exec.Cmd) (said, ready *os.File, err error) {
	said, stderr, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	ready, tell, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(err, said.Close(), stderr.Close())
	}
	cmd.Stderr, cmd.ExtraFiles = stderr, []*os.File{tell}
	cmd.Env = append(os.Environ(), variable+"="+strconv.Itoa(readyFD))
	err = errors.Join(cmd.Start(), stderr.Close(), tell.Close())
	if err != nil {
		return nil, nil, errors.Join(err, said.Close(), ready.Close())
	}
	return said, ready, nil
}

// Process is this process as one in the background.
type Process struct{ tell *os.File }

// Inherited gives this process if Start has started it, else nil. It is to be asked once, before other processes are started.
func Inherited() *Process {
	if os.Getenv(variable) != strconv.Itoa(readyFD) {
		return nil
	}
	_ = os.Unsetenv(variable) // cannot fail for this name
	// Else it is "exe" to ps, after the path that was run.
	_ = os.WriteFile("/proc/self/comm", []byte(filepath.Base(os.Args[0])), 0)
	unix.CloseOnExec(readyFD)
	return &Process{tell: os.NewFile(readyFD, "ready")}
}

// Ready says that the process is ready, which lets Start return. Before that it leaves what it still shares with whoever
// called Start: the directory, and stderr, which becomes crashes, or nothing if that is nil.
func (p *Process) Ready(crashes *os.File) error {
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if crashes == nil {
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer null.Close()
		crashes = null
	}
	if err := unix.Dup3(int(crashes.Fd()), int(os.Stderr.Fd()), 0); err != nil {
		return fmt.Errorf("redirect stderr: %w", err)
	}
	_, err := p.tell.Write([]byte{1})
	return errors.Join(err, p.tell.Close())
}
