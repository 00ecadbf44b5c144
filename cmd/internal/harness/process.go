package harness

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stopAfter is how long a child process may take to end after it was told to.
const stopAfter = 20 * time.Second

// process is a child process whose stderr is kept.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended; err is set then
	err  error
	log  *log
}

// log is what a child wrote to stderr so far.
type log struct {
	// held is taken by those who want nothing to be taken from the process, and before mu.
	held sync.Mutex
	// mu guards text.
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.held.Lock()
	defer l.held.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String gives all of it.
func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// environment is what children get: nothing of the developer's AWS or clipfs settings, and a key that any emulator takes.
func environment(extra ...string) []string {
	env := []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test-secret", "AWS_REGION=us-east-1",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null", "GOTRACEBACK=all"}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "CLIPFS_") {
			env = append(env, v)
		}
	}
	return append(env, extra...)
}

// start starts the built command. The process is stopped when the test ends, and its log shown if the test failed.
func start(t testing.TB, prepare func(*exec.Cmd), args ...string) *process {
	t.Helper()
	return startProgram(t, Binary(t), prepare, args...)
}

// startProgram starts a program as start starts the built command.
func startProgram(t testing.TB, program string, prepare func(*exec.Cmd), args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(program, args...), done: make(chan struct{}), log: new(log)} //nolint:noctx // stop ends it
	p.cmd.Env = environment()
	p.cmd.Dir = t.TempDir()
	p.cmd.Stderr = p.log
	// A child must not outlive a test process that was killed.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if prepare != nil {
		prepare(p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		if err := p.stop(syscall.SIGINT); err != nil {
			t.Errorf("%s %s: %v", filepath.Base(program), args[0], err)
		}
		if text := p.log.String(); t.Failed() || strings.Contains(text, "DATA RACE") {
			t.Errorf("log of %s %s:\n%s", filepath.Base(program), args[0], tail(text))
		}
	})
	return p
}

// tail gives the end of a log, which is where what matters stands as a rule, and what the race detector found before.
func tail(text string) string {
	const most = 6000
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

// ended reports whether the process has ended.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop sends a signal and waits; a process that does not end is killed, which is an error.
func (p *process) stop(signal os.Signal) error {
	if p.ended() {
		return nil
	}
	// It may have ended this moment, before that was noted.
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.NewTimer(stopAfter)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // for the goroutines
		time.Sleep(time.Second)
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("did not end within %s of %s", stopAfter, signal)
	}
}
