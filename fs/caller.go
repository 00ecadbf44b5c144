package fs

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/hanwen/go-fuse/v2/fuse"
)

const (
	// procRoot is where the kernel shows processes (proc(5)).
	procRoot = "/proc"
	// deletedSuffix follows the path of an executable that was removed, by an update for example (proc(5)).
	deletedSuffix = " (deleted)"
	// unknownPID is the pid of a caller in another pid namespace.
	unknownPID = 0
)

// process is what asked for something.
type process struct {
	// pid is the process, not the thread that the kernel names; 0 where it is in a pid namespace that is not ours.
	pid uint32
	uid uint32
	// executable is the base name of its executable; empty where that cannot be told, as for processes of other users
	// if we are not root.
	executable string
	// comm is the name that the process gives itself, cut to 15 characters; empty where the process is gone.
	comm string
}

// name is what to call the process: its executable, else the name it gives itself; empty where neither is known.
func (p process) name() string { return cmp.Or(p.executable, p.comm) }

// callerOf gives the process that asks in ctx, which is the context that go-fuse gave: those derived by patience do not
// have it. What it reads of another process never waits for that process or for a filesystem, so it is safe even where
// the process runs from our own mount and waits for us:
//
//   - reading the link /proc/PID/exe takes the path from the kernel's directory cache. It neither opens nor looks up the
//     file, nor takes the lock of the process's memory, which a page fault on our mount holds;
//   - /proc/PID/status and /proc/PID/comm are made from what the kernel has of the process. /proc/PID/cmdline, which
//     we do not read, comes from the process's memory and can wait for us.
func callerOf(ctx context.Context, proc string) process {
	asks, ok := fuse.FromContext(ctx)
	if !ok {
		return process{}
	}
	p := process{pid: asks.Pid, uid: asks.Uid}
	if p.pid == unknownPID {
		return p
	}
	dir := threadDir(proc, p.pid)
	if status, err := os.ReadFile(path.Join(dir, "status")); err == nil {
		if group, ok := threadGroup(status); ok && group != p.pid {
			p.pid, dir = group, threadDir(proc, group)
		}
	}
	if target, err := os.Readlink(path.Join(dir, "exe")); err == nil {
		p.executable = path.Base(strings.TrimSuffix(target, deletedSuffix))
	}
	if comm, err := os.ReadFile(path.Join(dir, "comm")); err == nil {
		p.comm = strings.TrimSuffix(string(comm), "\n")
	}
	return p
}

// callerPID gives the thread that the kernel asks for; unknownPID if it does not say.
func callerPID(ctx context.Context) uint32 {
	if c, ok := fuse.FromContext(ctx); ok {
		return c.Pid
	}
	return unknownPID
}

// threadDir is the directory of a process or a thread: threads have one too, though it is not listed.
func threadDir(proc string, pid uint32) string {
	return path.Join(proc, strconv.FormatUint(uint64(pid), 10))
}

// threadGroup finds the process in the text of a thread's status.
func threadGroup(status []byte) (uint32, bool) {
	for line := range bytes.Lines(status) {
		if text, ok := bytes.CutPrefix(line, []byte("Tgid:")); ok {
			n, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 32)
			return uint32(n), err == nil
		}
	}
	return 0, false
}
