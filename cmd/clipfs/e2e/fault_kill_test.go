//go:build e2e

package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

const (
	// freedWithin is how long a caller may go on after a signal; busyMachine is what a busy machine may add, but not in all of
	// so many attempts.
	freedWithin = time.Second
	busyMachine = 5 * time.Second
	attempts    = 4
)

// bestOf makes attempts at something that has to take no longer than within, until one does. None may take longer than
// within and slack.
func bestOf(t *testing.T, what string, within, slack time.Duration, attempt func(i int) (took time.Duration)) {
	t.Helper()
	for i := range attempts {
		took := attempt(i)
		if took > within+slack {
			t.Errorf("%s: took %s, want at most %s", what, took, within)
		}
		if took <= within || t.Failed() {
			return
		}
		t.Logf("%s: took %s, want at most %s; once more", what, took, within)
	}
	t.Errorf("%s: took longer than %s each of %d times", what, within, attempts)
}

// learned is how long what a preparation learned is believed: --metadata-ttl 1s, and 2 s at the live edge.
const learned = 2500 * time.Millisecond

// waiter is a program that prepares one system call on a path, says so, makes the call when it is told to, and says what
// came of it. It is no Go program, which signals itself, and makes no other call on the mount meanwhile.
const waiter = `
import os, sys
operation, path = sys.argv[1], sys.argv[2]
pin = lambda p, flags=0: os.open(p, os.O_PATH | flags)
if operation == "lookup":
    call = lambda: os.stat(path)
elif operation == "getattr":
    at = pin(path, os.O_NOFOLLOW)
    call = lambda: os.fstat(at)
elif operation == "open":
    at = pin(path)
    call = lambda: os.open("/proc/self/fd/%d" % at, os.O_RDONLY)
elif operation == "readdir":
    at = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    call = lambda: os.listdir(at)
elif operation == "readlink":
    at = pin(path, os.O_NOFOLLOW)
    call = lambda: os.readlink("", dir_fd=at)
elif operation == "getxattr":
    at = pin(path)
    call = lambda: os.getxattr("/proc/self/fd/%d" % at, "user.clipfs.first")
elif operation == "read":
    at = os.open(path, os.O_RDONLY)
    call = lambda: os.pread(at, 4096, os.fstat(at).st_size - 4096)
print("ready", flush=True)
sys.stdin.readline()
call()
print("done", flush=True)
`

// waiting is a waiter that runs.
type waiting struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Reader
	ended chan struct{}
}

// startWaiter starts a waiter and waits until it is ready.
func startWaiter(t *testing.T, operation, path string) *waiting {
	t.Helper()
	harness.Need(t, "python3")
	w := &waiting{cmd: exec.Command("python3", "-c", waiter, operation, path), ended: make(chan struct{})}
	w.cmd.Dir = "/"
	in, err := w.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	w.in, w.lines = in, bufio.NewReader(out)
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.cmd.Process.Kill() // it has ended, as a rule
		<-w.ended
	})
	line, err := w.lines.ReadString('\n')
	go func() {
		defer close(w.ended)
		rest, _ := io.ReadAll(w.lines) // what it still says
		_ = w.cmd.Wait()               // a signal ends it, or its error
		w.lines = bufio.NewReader(strings.NewReader(string(rest)))
	}()
	if err != nil || line != "ready\n" {
		t.Fatalf("%s of %s: waiter said %q, %v", operation, path, line, err)
	}
	return w
}

// begin has it make its call.
func (w *waiting) begin(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(w.in, "\n"); err != nil {
		t.Fatal(err)
	}
}

// over waits until it has ended and gives what it said, which is nothing if its call failed.
func (w *waiting) over(t *testing.T, within time.Duration) (said string, took time.Duration) {
	t.Helper()
	begun := time.Now()
	select {
	case <-w.ended:
		rest, _ := io.ReadAll(w.lines)
		return string(rest), time.Since(begun)
	case <-time.After(within):
		t.Fatalf("still waits after %s", within)
		return "", 0
	}
}

// silentCase is a call that waits for the service, and how the mount comes to ask it.
type silentCase struct {
	operation string
	path      func(m *harness.Mount, stream string, from time.Time) string
	// rule makes the service silent.
	rule string
	// asks is false for what never waits.
	asks bool
}

// silentCases has every operation of the filesystem that could wait.
func silentCases() []silentCase {
	clip := func(m *harness.Mount, stream string, from time.Time) string {
		return m.Join(stream, nameOf(from), "1m.mp4")
	}
	dir := func(m *harness.Mount, stream string, _ time.Time) string { return m.Join(stream) }
	latest := func(m *harness.Mount, stream string, _ time.Time) string { return m.Join(stream, "latest") }
	return []silentCase{
		{"lookup", clip, "kind=stall", true},
		{"getattr", clip, "kind=stall", false},
		{"getattr", latest, "kind=stall", true},
		{"open", clip, "kind=stall", true},
		{"readdir", dir, "kind=stall", true},
		{"readlink", latest, "kind=stall", true},
		{"getxattr", dir, "kind=stall", true},
		{"read", clip, "kind=stall,api=GetClip,at=50%", true},
	}
}

// TestKilledWhileSilent: whoever waits for a service that says nothing is freed by SIGINT and by SIGKILL within a
// second, in whatever call, and the mount goes on: when the service speaks again, the same call works.
func TestKilledWhileSilent(t *testing.T) {
	t.Parallel() // it waits for the most part
	type kill struct {
		silentCase
		signal syscall.Signal
	}
	var kills []kill
	var names []string
	args := []string{"--retention", "5h"}
	for _, c := range silentCases() {
		for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
			kills = append(kills, kill{c, s})
			names = append(names, fmt.Sprintf("%s, asks %t, %s", c.operation, c.asks, s))
			args = append(args, "--stream", killStream(c, s)+"=testcard")
		}
	}
	e := harness.StartEmulator(t, args...)
	m := harness.StartMount(t, e, "--read-timeout", "60s", "--metadata-ttl", "1s")
	from := faultMinute()
	atOnce(t, names, func(t *testing.T, i int) {
		k := kills[i]
		stream := killStream(k.silentCase, k.signal)
		bestOf(t, "a killed caller", freedWithin, busyMachine, func(i int) time.Duration {
			return killSilent(t, e, k.silentCase, k.signal, stream, k.path(m, stream, from.Add(time.Duration(i)*time.Minute)))
		})
	})
}

// killStream names the stream of a case.
func killStream(c silentCase, s syscall.Signal) string {
	return fmt.Sprintf("%s-%t-%d", c.operation, c.asks, s)
}

// killSilent has a call wait for a silent service and ends it, and gives how long it went on.
func killSilent(t *testing.T, e *harness.Emulator, c silentCase, signal syscall.Signal, stream, path string) (took time.Duration) {
	var f *harness.Fault
	silence := func() { f = e.Fault(t, c.rule+",stream="+stream) }
	if c.operation == "read" {
		silence() // before the file is opened, of which half comes
	}
	w := startWaiter(t, c.operation, path)
	if c.operation != "read" {
		time.Sleep(learned)
		silence()
	}
	w.begin(t)
	if !c.asks {
		said, took := w.over(t, freedWithin+busyMachine)
		if said != "done\n" {
			t.Errorf("said %q after %s, want it to be answered without the service", said, took)
		}
		f.Remove(t)
		return took
	}
	f.Await(t)
	select {
	case <-w.ended:
		t.Fatal("did not wait for the service")
	case <-time.After(200 * time.Millisecond):
	}
	if err := w.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	said, took := w.over(t, 30*time.Second)
	if said != "" {
		t.Errorf("freed after %s, said %q", took, said)
	}
	t.Logf("freed after %s", took.Round(time.Millisecond))
	f.Remove(t)
	again := startWaiter(t, c.operation, path)
	again.begin(t)
	if said, _ := again.over(t, 60*time.Second); said != "done\n" {
		t.Errorf("when the service spoke again: %q", said)
	}
	return took
}

// TestOthersReadOn: of two who wait for one download, the one that is killed does not take it away from the other.
func TestOthersReadOn(t *testing.T) {
	t.Parallel() // it waits for the most part
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--retention", "5h")
	m := harness.StartMount(t, e)
	from := faultMinute()
	bestOf(t, "a killed caller", freedWithin, busyMachine, func(i int) time.Duration {
		return killOneOfTwo(t, e, m, from.Add(time.Duration(i)*time.Minute))
	})
}

// killOneOfTwo has two read a minute of which half comes for now, kills one and gives how long that one went on.
func killOneOfTwo(t *testing.T, e *harness.Emulator, m *harness.Mount, from time.Time) (freed time.Duration) {
	path := m.Join("testcard", nameOf(from), "1m.mp4")
	before := callsOf(t, e, "testcard")["GetClip"]
	f := e.Fault(t, "kind=stall,api=GetClip,at=50%,for=6s") // less than what counts as a stall
	killed := startWaiter(t, "read", path)
	killed.begin(t)
	var content []byte
	var failed error
	read := make(chan struct{})
	go func() {
		defer close(read)
		content, failed = os.ReadFile(path)
	}()
	select {
	case <-read:
		t.Fatalf("did not wait: %d bytes, %v", len(content), failed)
	case <-time.After(500 * time.Millisecond):
	}
	if err := killed.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, freed = killed.over(t, 30*time.Second)
	select {
	case <-read:
	case <-time.After(time.Minute):
		t.Fatal("the other waits for ever")
	}
	if failed != nil {
		t.Fatalf("the other: %v", failed)
	}
	asStored(t, content, "testcard", from)
	if n := callsOf(t, e, "testcard")["GetClip"] - before; n != 1 || f.Hits(t) != 1 {
		t.Errorf("%d GetClip calls, %d stalled, want one", n, f.Hits(t))
	}
	f.Remove(t)
	return freed
}
