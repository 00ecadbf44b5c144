package fs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/fs"
)

func TestPatienceEndsAfterGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller, interrupt := context.WithCancel(t.Context())
		begun := time.Now()
		time.AfterFunc(time.Second, interrupt)
		fs.Patience(caller, "/proc", func(ctx context.Context) {
			if ctx.Err() != nil {
				t.Errorf("ended before the interrupt: %v", ctx.Err())
			}
			<-ctx.Done()
			if got, want := time.Since(begun), time.Second+fs.Grace; got != want {
				t.Errorf("ended after %s, want %s", got, want)
			}
			if !errors.Is(ctx.Err(), context.Canceled) {
				t.Errorf("Err() = %v, want %v", ctx.Err(), context.Canceled)
			}
		})
	})
}

func TestPatienceLetsDataThroughThatComesWithinGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller, interrupt := context.WithCancel(t.Context())
		data := make(chan struct{})
		time.AfterFunc(time.Second, interrupt)
		time.AfterFunc(time.Second+fs.Grace/2, func() { close(data) })
		fs.Patience(caller, "/proc", func(ctx context.Context) {
			select {
			case <-data:
			case <-ctx.Done():
				t.Error("interrupted although the data came within the grace")
			}
		})
	})
}

func TestPatienceEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// What was derived from the context and forgotten must not stay behind: synctest fails if a goroutine does.
		var kept context.Context
		fs.Patience(t.Context(), "/proc", func(ctx context.Context) {
			kept = ctx
			<-time.After(time.Second)
			select {
			case <-ctx.Done():
				t.Error("ended before the request")
			default:
			}
		})
		<-kept.Done()
	})
}

func TestPatienceOfAnAnsweredRequestIsOver(t *testing.T) {
	var kept context.Context
	fs.Patience(t.Context(), "/proc", func(ctx context.Context) { kept = ctx })
	select {
	case <-kept.Done():
	case <-time.After(10 * time.Second):
		t.Error("Done is open after the request")
	}
}

func TestPatienceWithoutWaitingAllocatesNothing(t *testing.T) {
	request := fs.PatiencePool(t.Context())
	if got := testing.AllocsPerRun(1000, request); got >= 1 {
		t.Errorf("%v allocations a request, want none", got)
	}
}

// thread is one that proc shows, with these signals waiting, in the form of proc(5).
func thread(t *testing.T, proc string, pid uint32, own, shared, blocked string) {
	t.Helper()
	dir := filepath.Join(proc, strconv.FormatUint(uint64(pid), 10))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("Name:\tcat\nTgid:\t%d\nSigQ:\t0/1\nSigPnd:\t%s\nShdPnd:\t%s\nSigBlk:\t%s\nSigIgn:\t%s\nSigCgt:\t0\n", pid, own, shared, blocked, bit(1))
	if err := os.WriteFile(filepath.Join(dir, "status"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// bit gives the set of some signals as the kernel writes it.
func bit(signals ...syscall.Signal) string {
	var set uint64
	for _, s := range signals {
		set |= 1 << (s - 1)
	}
	return fmt.Sprintf("%016x", set)
}

// TestPatienceOutlastsWhatPasses: a request goes on while nothing waits for its caller that is to end something, and ends
// as soon as something does, although the kernel says no second time that it interrupted.
func TestPatienceOutlastsWhatPasses(t *testing.T) {
	proc := t.TempDir()
	none := bit()
	for _, passes := range []struct{ name, own, shared, blocked string }{
		{"nothing", none, none, none},
		{"the preemption of a Go program", bit(syscall.SIGURG), none, none},
		{"a child that ended", none, bit(syscall.SIGCHLD), none},
		{"a window of another size", none, bit(syscall.SIGWINCH), none},
		{"a profiler", bit(syscall.SIGPROF), none, none},
		{"Ctrl-Z", none, bit(syscall.SIGTSTP), none},
		{"a stop and its end", bit(syscall.SIGSTOP), bit(syscall.SIGCONT), none},
		{"a terminal that is not ours", bit(syscall.SIGTTIN, syscall.SIGTTOU), none, none},
		{"what is held back", bit(syscall.SIGTERM), bit(syscall.SIGINT), bit(syscall.SIGINT, syscall.SIGTERM)},
	} {
		for _, ends := range []struct{ name, own, shared string }{
			{"SIGKILL", bit(syscall.SIGKILL), none},
			{"SIGINT for the process", none, bit(syscall.SIGINT, syscall.SIGURG)},
			{"SIGTERM for the thread", bit(syscall.SIGTERM), none},
			{"SIGQUIT", none, bit(syscall.SIGQUIT)},
			{"an alarm", none, bit(syscall.SIGALRM)},
			{"a realtime signal", fmt.Sprintf("%016x", uint64(1)<<63), none},
		} {
			t.Run(passes.name+", "+ends.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					thread(t, proc, 7, passes.own, passes.shared, passes.blocked)
					asks := caller(7, 0)
					interrupt := make(chan struct{})
					asks.Cancel = interrupt
					begun := time.Now()
					close(interrupt)
					time.AfterFunc(10*time.Second, func() { thread(t, proc, 7, ends.own, ends.shared, none) })
					fs.Patience(asks, proc, func(ctx context.Context) {
						<-ctx.Done()
						if took := time.Since(begun); took < 10*time.Second || took > 10*time.Second+fs.Grace {
							t.Errorf("ended after %s, want it just after ten seconds", took)
						}
					})
				})
			})
		}
	}
}

// TestPatienceOfWhomNothingIsKnown: who cannot be looked at is given up as soon as he was interrupted.
func TestPatienceOfWhomNothingIsKnown(t *testing.T) {
	proc := t.TempDir()
	thread(t, proc, 7, "no", bit(), bit())
	thread(t, proc, 8, bit(), bit(), bit())
	if err := os.WriteFile(filepath.Join(proc, "8", "status"), []byte("SigPnd:\t0\nSigBlk:\t0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		pid  uint32
	}{
		{"in another namespace", 0},
		{"gone or hidden", 9},
		{"of another form", 7},
		{"without a field", 8},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asks := caller(test.pid, 0)
				interrupt := make(chan struct{})
				asks.Cancel = interrupt
				begun := time.Now()
				close(interrupt)
				fs.Patience(asks, proc, func(ctx context.Context) {
					<-ctx.Done()
					if took := time.Since(begun); took != fs.Grace {
						t.Errorf("ended after %s, want %s", took, fs.Grace)
					}
				})
			})
		})
	}
}

// TestErrorAfterAnInterrupt: an error is what it is although something that passes interrupted the caller meanwhile. EINTR
// would have it asked, and paid, once more.
func TestErrorAfterAnInterrupt(t *testing.T) {
	proc := t.TempDir()
	for signal, want := range map[syscall.Signal]syscall.Errno{syscall.SIGURG: syscall.ETIMEDOUT, syscall.SIGINT: syscall.EINTR} {
		t.Run(signal.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				thread(t, proc, 7, bit(signal), bit(), bit())
				asks := caller(7, 0)
				interrupt := make(chan struct{})
				asks.Cancel = interrupt
				close(interrupt)
				got := fs.Answer(asks, proc, func(ctx context.Context) error {
					select {
					case <-ctx.Done():
						return context.Cause(ctx)
					case <-time.After(10 * time.Second):
						return archive.ErrUnreachable
					}
				})
				if got != want {
					t.Errorf("got %v, want %v", got, want)
				}
			})
		})
	}
}

// TestSignalsOfTheKernel: the kernel shows a waiting signal where it is looked for.
func TestSignalsOfTheKernel(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}()
	pid := uint32(cmd.Process.Pid)
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for !stopped(t, pid) {
		time.Sleep(time.Millisecond)
	}
	if fs.SignalsEnd("/proc", pid) {
		t.Error("given up, although no signal waits")
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil { // which waits until it is continued
		t.Fatal(err)
	}
	if !fs.SignalsEnd("/proc", pid) {
		t.Error("SIGTERM waits, and it is not given up")
	}
}

// stopped reports whether a process is stopped.
func stopped(t *testing.T, pid uint32) bool {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(text, []byte("State:\tT"))
}
