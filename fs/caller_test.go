package fs_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"clipfs/fs"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// asks gives the context of a request by a thread.
func asks(t *testing.T, pid, uid uint32) context.Context {
	t.Helper()
	return fuse.NewContext(t.Context(), &fuse.Caller{Owner: fuse.Owner{Uid: uid}, Pid: pid})
}

func TestCallerIsTheProcessOfAThread(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	defer close(done)
	threads := make(chan int)
	go func() { // a thread of its own, which is not the process's first
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		threads <- unix.Gettid()
		<-done
	}()
	thread := <-threads
	for _, pid := range []int{os.Getpid(), thread} {
		got := fs.CallerOf(asks(t, uint32(pid), 42), "/proc")
		if got.PID != uint32(os.Getpid()) || got.UID != 42 || got.Executable != filepath.Base(self) || got.Name != got.Executable {
			t.Errorf("thread %d of process %d, %s: %+v", pid, os.Getpid(), self, got)
		}
	}
}

// TestCallerHasItsWholeName: the kernel keeps 15 characters of a name, and says of an executable that it was removed.
func TestCallerHasItsWholeName(t *testing.T) {
	const name = "an-indexer-with-a-long-name"
	program := filepath.Join(t.TempDir(), name)
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(cat)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, text, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprintln(in, "it runs") // what comes back tells
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "it runs\n" {
		t.Fatal(line, err)
	}
	ctx := asks(t, uint32(cmd.Process.Pid), 0)
	for range 2 {
		got := fs.CallerOf(ctx, "/proc")
		if got.Executable != name || got.Comm != name[:15] {
			t.Errorf("got %+v, want %s, in short %s", got, name, name[:15])
		}
		_ = os.Remove(program) // the second time it is gone already
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := fs.CallerOf(ctx, "/proc"); got.Name != "" {
		t.Errorf("a process that has ended is called %q", got.Name)
	}
}

// proc makes the directory of a process: exe may be empty, as where it cannot be read.
func proc(t *testing.T, root string, pid, group int, comm, exe string) {
	t.Helper()
	dir := filepath.Join(root, fmt.Sprint(pid))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	name := strings.ReplaceAll(comm, `\`, `\\`) // as the kernel has it there
	status := fmt.Sprintf("Name:\t%s\nUmask:\t0022\nTgid:\t%d\nPid:\t%d\n", name, group, pid)
	for name, text := range map[string]string{"status": status, "comm": comm + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_ = os.Remove(filepath.Join(dir, "exe")) // of what the process was before
	if exe != "" {
		if err := os.Symlink(exe, filepath.Join(dir, "exe")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCallerByWhatCanBeRead(t *testing.T) {
	root := t.TempDir()
	proc(t, root, 10, 10, "updatedb", "/usr/sbin/updatedb.plocate")
	proc(t, root, 11, 10, "worker", "/usr/sbin/updatedb.plocate")
	proc(t, root, 12, 12, "tracker-miner-f", "")
	proc(t, root, 13, 13, "a b", "/opt/with space/a b (deleted)")
	proc(t, root, 14, 99, "orphan", "")
	proc(t, root, 16, 16, `a\b`, "")
	for _, test := range []struct {
		pid  uint32
		want fs.Process
	}{
		{0, fs.Process{UID: 7}},
		{10, fs.Process{PID: 10, UID: 7, Executable: "updatedb.plocate", Comm: "updatedb", Name: "updatedb.plocate"}},
		{11, fs.Process{PID: 10, UID: 7, Executable: "updatedb.plocate", Comm: "updatedb", Name: "updatedb.plocate"}},
		{12, fs.Process{PID: 12, UID: 7, Comm: "tracker-miner-f", Name: "tracker-miner-f"}},
		{13, fs.Process{PID: 13, UID: 7, Executable: "a b", Comm: "a b", Name: "a b"}},
		{14, fs.Process{PID: 99, UID: 7}},
		{15, fs.Process{PID: 15, UID: 7}},
		{16, fs.Process{PID: 16, UID: 7, Comm: `a\b`, Name: `a\b`}},
	} {
		if got := fs.CallerOf(asks(t, test.pid, 7), root); got != test.want {
			t.Errorf("%d: got %+v, want %+v", test.pid, got, test.want)
		}
	}
	if got := fs.CallerOf(t.Context(), root); got != (fs.Process{}) {
		t.Errorf("a request of nobody: %+v", got)
	}
}

// TestCallerIsWhatItIsNow: pids are used again, and a shell that has just become another program is that.
func TestCallerIsWhatItIsNow(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"sh", "updatedb", "cat"} {
		proc(t, root, 10, 10, name, "/bin/"+name)
		if got := fs.CallerOf(asks(t, 10, 0), root); got.Name != name {
			t.Errorf("got %q, want %q", got.Name, name)
		}
	}
}

// BenchmarkCaller is what a decision costs.
func BenchmarkCaller(b *testing.B) {
	ctx := fuse.NewContext(b.Context(), &fuse.Caller{Pid: uint32(os.Getpid())})
	for b.Loop() {
		if fs.CallerOf(ctx, "/proc").Executable == "" {
			b.Fatal("unknown")
		}
	}
}
