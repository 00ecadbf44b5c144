package fs

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

const (
	// procRoot is where the kernel shows processes (proc(5)).
	procRoot = "/proc"
	// callerHolds is how long a process is taken for what it was: pids are used again, and programs start others.
	callerHolds = time.Second
	// maxCallers bounds how many threads are remembered.
	maxCallers = 1024
	// deletedSuffix follows the path of an executable that was removed, by an update for example (proc(5)).
	deletedSuffix = " (deleted)"
)

// process is who asked for something.
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

// callers tells who asks. What it reads of another process never waits for that process or for a filesystem, so it is
// safe even where the process runs from our own mount and waits for us:
//
//   - reading the link /proc/PID/exe gives the path from the kernel's directory cache. It neither opens nor looks up the
//     file, nor takes the lock of the process's memory, which a page fault on our mount holds;
//   - /proc/PID/status and /proc/PID/comm are made from what the kernel has of the process itself. /proc/PID/cmdline, which
//     we do not read, comes from the process's memory and can wait for us.
type callers struct {
	proc string

	// mu guards known.
	mu    sync.Mutex
	known map[uint32]knownCaller
}

// knownCaller is what was found of a thread, and when.
type knownCaller struct {
	process process
	at      time.Time
}

// newCallers gives one that looks into a proc filesystem.
func newCallers(proc string) *callers {
	return &callers{proc: proc, known: make(map[uint32]knownCaller)}
}

// of gives the process that asks in ctx, which is to be the context that go-fuse gave: those derived by patience do not
// have it. It remembers the answer for a moment and is for the log.
func (c *callers) of(ctx context.Context) process {
	asks, ok := fuse.FromContext(ctx)
	if !ok {
		return process{}
	}
	c.mu.Lock()
	known, ok := c.known[asks.Pid]
	c.mu.Unlock()
	if ok && known.process.uid == asks.Uid && time.Since(known.at) < callerHolds {
		return known.process
	}
	return c.now(ctx)
}

// now is of without the memory, for decisions: a shell that has just become another program is that.
func (c *callers) now(ctx context.Context) process {
	asks, ok := fuse.FromContext(ctx)
	if !ok {
		return process{}
	}
	if asks.Pid == unknownPID {
		return process{uid: asks.Uid}
	}
	p := c.look(asks.Pid, asks.Uid)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxCallers {
		clear(c.known)
	}
	c.known[asks.Pid] = knownCaller{process: p, at: time.Now()}
	return p
}

// look reads what the kernel tells of the process that a thread belongs to.
func (c *callers) look(thread, uid uint32) process {
	p := process{pid: thread, uid: uid}
	dir := threadDir(c.proc, thread)
	if status, err := os.ReadFile(path.Join(dir, "status")); err == nil {
		if group, ok := threadGroup(status); ok && group != thread {
			p.pid, dir = group, threadDir(c.proc, group)
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

// threadDir gives the directory of a process or a thread: threads have one too, though it is not listed.
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

// callerPID gives the thread that the kernel asks for; unknownPID if it does not say.
func callerPID(ctx context.Context) uint32 {
	if c, ok := fuse.FromContext(ctx); ok {
		return c.Pid
	}
	return unknownPID
}
