package fs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

const (
	// procRoot is where the kernel shows processes (proc(5)).
	procRoot = "/proc"
	// deletedSuffix follows the path of an executable that was removed, by an update for example (proc(5)).
	deletedSuffix = " (deleted)"
	// procText is how much is read of a text about a process: its name and number are in the first 130 bytes of its status.
	procText = 256
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
	var buffer [procText]byte
	if status, ok := readProc(path.Join(dir, "status"), buffer[:]); ok {
		group, comm := threadGroup(status)
		if group != unknownPID && group != p.pid {
			p.pid, dir, comm = group, threadDir(proc, group), ""
		}
		p.comm = comm
	}
	if target, err := os.Readlink(path.Join(dir, "exe")); err == nil {
		p.executable = path.Base(strings.TrimSuffix(target, deletedSuffix))
	}
	if p.comm != "" {
		return p
	}
	if comm, ok := readProc(path.Join(dir, "comm"), buffer[:]); ok {
		p.comm = string(bytes.TrimSuffix(comm, []byte("\n")))
	}
	return p
}

// readProc reads the beginning of a file that the kernel makes the text of, as much as fits into p. Each open of a clip waits for it: it makes three
// system calls, where os.ReadFile makes a dozen.
func readProc(name string, p []byte) (text []byte, ok bool) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, false
	}
	defer func() { _ = unix.Close(fd) }() // only read from
	for {
		n, err := unix.Read(fd, p)
		if !errors.Is(err, unix.EINTR) {
			return p[:max(n, 0)], err == nil
		}
	}
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

// threadGroup finds the process in the text of a thread's status, and the thread's own name. unknownPID if the text does not say; the name is
// empty where it has characters that the kernel writes in another way there.
func threadGroup(status []byte) (group uint32, comm string) {
	for line := range bytes.Lines(status) {
		if text, ok := bytes.CutPrefix(line, []byte("Name:\t")); ok && !bytes.ContainsRune(text, '\\') {
			comm = string(bytes.TrimSuffix(text, []byte("\n")))
		}
		if text, ok := bytes.CutPrefix(line, []byte("Tgid:")); ok {
			n, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 32)
			if err != nil {
				return unknownPID, ""
			}
			return uint32(n), comm
		}
	}
	return unknownPID, ""
}
