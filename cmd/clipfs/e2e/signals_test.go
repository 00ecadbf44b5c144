//go:build e2e

package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"golang.org/x/sys/unix"
)

// rawCall prepares one system call on a path, in this process and without the retries of package os, so that an EINTR
// is seen.
func rawCall(t *testing.T, operation, path string) (call func() error) {
	t.Helper()
	pinned := func(flags int) int {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		for err == unix.EINTR {
			fd, err = unix.Open(path, flags|unix.O_CLOEXEC, 0)
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
		return fd
	}
	var s unix.Stat_t
	switch operation {
	case "lookup":
		return func() error { return unix.Lstat(path, &s) }
	case "getattr":
		fd := pinned(unix.O_PATH | unix.O_NOFOLLOW)
		return func() error { return unix.Fstat(fd, &s) }
	case "open":
		self := fmt.Sprintf("/proc/self/fd/%d", pinned(unix.O_PATH))
		return func() error {
			fd, err := unix.Open(self, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err == nil {
				_ = unix.Close(fd)
			}
			return err
		}
	case "readdir":
		fd := pinned(unix.O_RDONLY | unix.O_DIRECTORY)
		return func() error { return second(unix.Getdents(fd, make([]byte, 1<<16))) }
	case "readlink":
		fd := pinned(unix.O_PATH | unix.O_NOFOLLOW)
		return func() error { return second(unix.Readlinkat(fd, "", make([]byte, 256))) }
	case "getxattr":
		self := fmt.Sprintf("/proc/self/fd/%d", pinned(unix.O_PATH))
		return func() error { return second(unix.Getxattr(self, "user.clipfs.first", make([]byte, 256))) }
	case "read":
		fd := pinned(unix.O_RDONLY)
		if err := unix.Fstat(fd, &s); err != nil {
			t.Fatal(err)
		}
		return func() error {
			n, err := unix.Pread(fd, make([]byte, 4096), s.Size-4096)
			if err == nil && n != 4096 {
				return fmt.Errorf("%d bytes", n)
			}
			return err
		}
	}
	t.Fatalf("no way to call %s", operation)
	return nil
}

// TestSignalsThatPass: signals that are to end nothing do not make a call fail that waits for the service, whichever call it
// is: the preemption of a Go program, a child that ended, a window of another size. Package os would hide an EINTR, but
// stat(2) in a C program, or a raw call, has none to expect.
func TestSignalsThatPass(t *testing.T) {
	t.Parallel() // it waits for the most part
	var cases []silentCase
	var names []string
	args := []string{"--retention", "5h"}
	for _, c := range silentCases() {
		if c.asks {
			cases, names = append(cases, c), append(names, c.operation)
			args = append(args, "--stream", killStream(c, unix.SIGURG)+"=testcard")
		}
	}
	e := harness.StartEmulator(t, args...)
	m := harness.StartMount(t, e, "--read-timeout", "60s", "--metadata-ttl", "1s")
	from := faultMinute()
	atOnce(t, names, func(t *testing.T, i int) {
		stream := killStream(cases[i], unix.SIGURG)
		signalWaiting(t, e, cases[i], stream, cases[i].path(m, stream, from))
	})
}

// signalWaiting has a call wait for a service that is silent for three seconds, and sends it signals for one.
func signalWaiting(t *testing.T, e *harness.Emulator, c silentCase, stream, path string) {
	var f *harness.Fault
	silence := func() { f = e.Fault(t, c.rule+",for=3s,count=1,stream="+stream) }
	if c.operation == "read" {
		silence() // before the file is opened, of which half comes
	}
	call := rawCall(t, c.operation, path)
	if c.operation != "read" {
		time.Sleep(learned)
		silence()
	}
	thread, answer := make(chan int, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // a thread that ended would take the processes along that were started from it
		thread <- unix.Gettid()
		answer <- call()
	}()
	tid := <-thread
	f.Await(t)
	for n := range 10 {
		signal := []syscall.Signal{unix.SIGURG, unix.SIGCHLD, unix.SIGWINCH}[n%3]
		if err := unix.Tgkill(os.Getpid(), tid, signal); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-answer:
			t.Fatalf("answered %v while the service was silent", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	select {
	case err := <-answer:
		if err != nil {
			t.Errorf("when the service spoke again: %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("waits for ever")
	}
	f.Remove(t)
}

// reader writes what a file has to its standard output and, unlike cp, takes an EINTR for the error that it is.
const reader = `open(F, "<", $ARGV[0]) or die "open: $!"; binmode STDOUT;
while (1) { my $n = sysread(F, my $b, 1 << 20); defined $n or die "read: $!"; last if !$n; print $b }`

// TestSuspended: who is suspended while he waits for the service, and continued, reads on.
func TestSuspended(t *testing.T) {
	t.Parallel() // it waits for the most part
	harness.Need(t, "perl")
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--retention", "5h")
	m := harness.StartMount(t, e, "--read-timeout", "60s")
	from := faultMinute()
	f := e.Fault(t, "kind=stall,api=GetClip,at=50%,for=4s,count=1")
	reads := exec.Command("perl", "-e", reader, m.Join("testcard", nameOf(from), "1m.mp4"))
	var content, said bytes.Buffer
	reads.Stdout, reads.Stderr = &content, &said
	if err := reads.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- reads.Wait() }()
	t.Cleanup(func() { _ = reads.Process.Kill() }) // it has ended, as a rule
	f.Await(t)
	time.Sleep(time.Second) // it has what came and waits
	for _, signal := range []syscall.Signal{unix.SIGSTOP, unix.SIGCONT, unix.SIGSTOP, unix.SIGCONT} {
		if err := reads.Process.Signal(signal); err != nil {
			t.Fatalf("%s: %v; it said %q", signal, err, &said)
		}
		time.Sleep(300 * time.Millisecond)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Fatalf("%v: %s", err, &said)
		}
	case <-time.After(time.Minute):
		t.Fatal("waits for ever")
	}
	asStored(t, content.Bytes(), "testcard", from)
}
