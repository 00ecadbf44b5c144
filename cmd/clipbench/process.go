package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopAfter is how long a child process may take to end after it was told to.
const stopAfter = 30 * time.Second

// process is a child process whose lines on stderr are kept.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended; err is set then
	err  error

	// mu guards the rest.
	mu    sync.Mutex
	lines []string
	// await are the texts that somebody waits for in a line, each with the channel that is closed then.
	await map[string]chan struct{}
}

// environment is what children get: nothing of the user's AWS or clipfs settings, and a key that any emulator takes.
func environment() []string {
	env := []string{"AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null"}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "CLIPFS_") && !strings.HasPrefix(v, "RCLONE_") {
			env = append(env, v)
		}
	}
	return env
}

// start starts a child that does not outlive this process. await are texts that its stderr will be waited for.
func start(name string, args []string, stdout io.Writer, await ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...), done: make(chan struct{}), await: make(map[string]chan struct{})} //nolint:noctx // stop ends it
	for _, text := range await {
		p.await[text] = make(chan struct{})
	}
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout = environment(), "/", stdout
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.read(stderr)
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// read keeps the lines of stderr.
func (p *process) read(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		p.mu.Lock()
		p.lines = append(p.lines, lines.Text())
		for text, there := range p.await {
			if strings.Contains(lines.Text(), text) {
				close(there)
				delete(p.await, text)
			}
		}
		p.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, r) // after a line that is too long
}

// log gives the last lines of stderr.
func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines[max(0, len(p.lines)-20):], "\n")
}

// find gives the last line of stderr that has a text, or "".
func (p *process) find(text string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.lines) - 1; i >= 0; i-- {
		if strings.Contains(p.lines[i], text) {
			return p.lines[i]
		}
	}
	return ""
}

// wait waits for a line that start was told of.
func (p *process) wait(ctx context.Context, text string, limit time.Duration) error {
	p.mu.Lock()
	there, waited := p.await[text]
	p.mu.Unlock()
	if !waited { // it has come
		return nil
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-there:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.done:
		return fmt.Errorf("%s ended: %w\n%s", p.cmd.Args[:2], errors.Join(p.err, errors.New("not ready")), p.log())
	case <-timer.C:
		return fmt.Errorf("%s not ready after %s\n%s", p.cmd.Args[:2], limit, p.log())
	}
}

// stop interrupts the process and waits; one that does not end is killed, which is an error.
func (p *process) stop() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.NewTimer(stopAfter)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("%s did not end within %s\n%s", p.cmd.Args[:2], stopAfter, p.log())
	}
}

// output runs a program to its end and gives its stdout.
func output(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Dir = environment(), "/"
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w: %s", name, args, err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}
