package control

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	// readyAfter is how long an emulator may take until it is ready, endAfter how long it may take to end.
	readyAfter = time.Minute
	endAfter   = 10 * time.Second
)

// Command is how an emulator is started. The zero value runs clipfs of the PATH without streams.
type Command struct {
	// Program is the path of clipfs; empty finds it.
	Program string
	// Args are flags of clipfs emulator. Without --listen it takes a port that is free.
	Args []string
	// Stderr takes its log; nil drops it.
	Stderr io.Writer
}

// Process is an emulator in a process of its own, which does not outlive this one.
type Process struct {
	*Client
	// Endpoint is the URL of the control API, for an SDK's endpoint URL, and DataEndpoint that of the data API, which
	// GetDataEndpoint tells.
	Endpoint, DataEndpoint string
	// CA is the PEM of the certificate to trust, with --tls.
	CA string

	command *exec.Cmd
	// ended is closed when it has, with err.
	ended chan struct{}
	err   error
}

// Start starts an emulator and waits until it is ready. It ends with ctx, or with Close.
func Start(ctx context.Context, c Command) (*Process, error) {
	args := append([]string{"emulator", "--listen", "127.0.0.1:0"}, c.Args...) // the last --listen counts
	p := &Process{command: exec.CommandContext(ctx, cmp.Or(c.Program, "clipfs"), args...), ended: make(chan struct{})}
	p.command.Stderr = c.Stderr
	p.command.Cancel = func() error { return p.command.Process.Signal(os.Interrupt) }
	p.command.WaitDelay = endAfter
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	// Not StdoutPipe, which Wait closes: nothing else is said after the line.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.command.Stdout = write
	err = p.command.Start()
	_ = write.Close() // The process has its own.
	if err != nil {
		return nil, errors.Join(err, read.Close())
	}
	go func() {
		p.err = p.command.Wait()
		close(p.ended)
	}()
	if err := p.ready(read); err != nil {
		return nil, errors.Join(err, p.Close(), read.Close())
	}
	return p, read.Close()
}

// ready reads where the emulator is.
func (p *Process) ready(stdout *os.File) error {
	if err := stdout.SetReadDeadline(time.Now().Add(readyAfter)); err != nil {
		return err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return fmt.Errorf("%s is not ready: %w", strings.Join(p.command.Args, " "), err)
	}
	if err := json.Unmarshal([]byte(line), p); err != nil || p.Endpoint == "" {
		return fmt.Errorf("%s said %q: %w", strings.Join(p.command.Args, " "), line, err)
	}
	p.Client, err = New(p.Endpoint, Options{CA: p.CA})
	return err
}

// Close ends the emulator and waits for that. It may be called again.
func (p *Process) Close() error {
	select {
	case <-p.ended:
	default:
		_ = p.command.Process.Signal(os.Interrupt) // It may have ended this moment.
	}
	select {
	case <-p.ended:
	case <-time.After(endAfter):
		_ = p.command.Process.Kill()
		<-p.ended
	}
	if errors.Is(p.err, context.Canceled) {
		return nil
	}
	return p.err
}
