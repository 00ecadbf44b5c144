// Package child runs programs in processes of their own, for end-to-end tests and the benchmark: with nothing of the developer's
// settings in their environment, with their stderr kept, and none of them outlives this process.
package child

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
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

const (
	// stopAfter is how long a process may take to end after it was told to.
	stopAfter = 30 * time.Second
	// readyAfter is how long a process may take until it is ready.
	readyAfter = 60 * time.Second
)

// Process is a child process whose stderr is kept.
type Process struct {
	Cmd *exec.Cmd
	// Done is closed when it has ended; Err is what it ended with then.
	Done chan struct{}
	Err  error
	log  log
}

// log is what a process wrote to stderr so far.
type log struct {
	// held keeps anything more from being taken from the process. It is locked before mu.
	held sync.Mutex
	// mu guards the rest.
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed by the next Write
}

func (l *log) Write(p []byte) (int, error) {
	l.held.Lock()
	defer l.held.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.text.Write(p)
}

// Environment is what children get: nothing of the developer's AWS, clipfs or rclone settings, and a key that any emulator takes.
func Environment(extra ...string) []string {
	env := []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test-secret", "AWS_REGION=us-east-1",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null", "GOTRACEBACK=all"}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "CLIPFS_") && !strings.HasPrefix(v, "RCLONE_") {
			env = append(env, v)
		}
	}
	return append(env, extra...)
}

// Start starts a program. prepare, if any, may change the command before.
func Start(program string, prepare func(*exec.Cmd) error, args ...string) (*Process, error) {
	p := &Process{Cmd: exec.Command(program, args...), Done: make(chan struct{})} //nolint:noctx // Stop ends it
	p.log.changed = make(chan struct{})
	p.Cmd.Env, p.Cmd.Dir, p.Cmd.Stderr = Environment(), "/", &p.log
	p.Cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if prepare != nil {
		if err := prepare(p.Cmd); err != nil {
			return nil, err
		}
	}
	if err := p.Cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.Err = p.Cmd.Wait()
		close(p.Done)
	}()
	return p, nil
}

// StartServer starts a program that says where it is in a line of JSON, {"endpoint":…}, and waits for that. The process is not
// nil once it was started, even if it did not say so.
func StartServer(program string, prepare func(*exec.Cmd) error, args ...string) (p *Process, endpoint string, err error) {
	lines, out, err := os.Pipe()
	if err != nil {
		return nil, "", err
	}
	p, err = Start(program, func(cmd *exec.Cmd) error {
		cmd.Stdout = out
		if prepare == nil {
			return nil
		}
		return prepare(cmd)
	}, args...)
	_ = out.Close() // the process has its own
	if err != nil {
		return nil, "", errors.Join(err, lines.Close())
	}
	said := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(lines).ReadString('\n')
		said <- line
		_, _ = io.Copy(io.Discard, lines)
		_ = lines.Close()
	}()
	select {
	case line := <-said:
		var ready struct{ Endpoint string }
		if err := json.Unmarshal([]byte(line), &ready); err != nil || ready.Endpoint == "" {
			return p, "", fmt.Errorf("%s said %q: %w\n%s", program, line, err, p.Tail())
		}
		return p, ready.Endpoint, nil
	case <-time.After(readyAfter):
		return p, "", fmt.Errorf("%s not ready\n%s", program, p.Tail())
	}
}

// Log is what the process has written to stderr so far.
func (p *Process) Log() string {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	return p.log.text.String()
}

// HoldLog takes nothing more of what the process writes to stderr until release is called.
func (p *Process) HoldLog() (release func()) {
	p.log.held.Lock()
	return p.log.held.Unlock
}

// Tail is the end of the log, and what the race detector found before.
func (p *Process) Tail() string {
	const most = 6000
	text := p.Log()
	if len(text) <= most {
		return text
	}
	before, end := text[:len(text)-most], text[len(text)-most:]
	race := ""
	if _, found, ok := strings.Cut(before, "WARNING: DATA RACE"); ok {
		race = "WARNING: DATA RACE" + found[:min(len(found), most)] + "\n…\n"
	}
	return fmt.Sprintf("… (%d bytes before)\n%s%s", len(before), race, end)
}

// Await waits until the process has written a text to stderr.
func (p *Process) Await(ctx context.Context, text string, limit time.Duration) error {
	late := time.After(limit)
	for {
		ended := p.Ended() // before the look: all of its text has come then
		p.log.mu.Lock()
		there, changed := bytes.Contains(p.log.text.Bytes(), []byte(text)), p.log.changed
		p.log.mu.Unlock()
		switch {
		case there:
			return nil
		case ended:
			return fmt.Errorf("%s ended, %w, and did not say %q\n%s", p.Cmd.Args[:2], errors.Join(p.Err, errors.New("not ready")), text, p.Tail())
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-p.Done:
		case <-late:
			return fmt.Errorf("%s did not say %q within %s\n%s", p.Cmd.Args[:2], text, limit, p.Tail())
		}
	}
}

// AwaitReady is Await with the time that a process may take until it is ready.
func (p *Process) AwaitReady(ctx context.Context, text string) error {
	return p.Await(ctx, text, readyAfter)
}

// Ended reports whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.Done:
		return true
	default:
		return false
	}
}

// AwaitEnd waits until the process has ended by itself and reports whether it has.
func (p *Process) AwaitEnd() bool {
	select {
	case <-p.Done:
		return true
	case <-time.After(readyAfter):
		return false
	}
}

// Stop sends a signal and waits. A process that does not end is killed, which is an error.
func (p *Process) Stop(signal os.Signal) error {
	if p.Ended() {
		return nil
	}
	// It may have ended this moment, before that was noted.
	if err := p.Cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.Done:
		return nil
	case <-time.After(stopAfter):
		_ = p.Cmd.Process.Signal(syscall.SIGQUIT) // for the goroutines
		time.Sleep(time.Second)
		_ = p.Cmd.Process.Kill()
		<-p.Done
		return fmt.Errorf("%s did not end within %s of %s\n%s", p.Cmd.Args[:2], stopAfter, signal, p.Tail())
	}
}

// Run runs a program to its end, in a directory that is on no mount.
func Run(ctx context.Context, program string, args ...string) (stdout, stderr []byte, err error) {
	cmd := exec.CommandContext(ctx, program, args...)
	// A process that is forked meanwhile has the pipes open too until it runs its own program, which takes long on a very busy
	// machine: a shorter time would fail programs that have ended well.
	cmd.Env, cmd.Dir, cmd.WaitDelay = Environment(), "/", 2*time.Minute
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.Bytes(), errs.Bytes(), err
}

// Output runs a program to its end and gives its stdout. An error has its stderr.
func Output(ctx context.Context, program string, args ...string) ([]byte, error) {
	out, stderr, err := Run(ctx, program, args...)
	if err != nil {
		err = fmt.Errorf("%s %q: %w: %s", program, args, err, bytes.TrimSpace(stderr))
	}
	return out, err
}
