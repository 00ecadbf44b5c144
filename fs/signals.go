package fs

import (
	"bytes"
	"os"
	"path"
	"strconv"
	"syscall"
)

// signals tells what an interrupt is about. The kernel sends one for whatever wakes a caller: a signal that ends it or
// that it handles, a debugger that attaches, work that was left for it. It does not say which, and sends no second one.
// Calls like stat(2) are not expected to answer EINTR, and programs in C do not ask again: a cp must not fail when its
// terminal changes size or Ctrl-Z suspends it.
type signals struct {
	// proc is where the kernel shows processes (proc(5)).
	proc string
}

// signalSet has one bit for each signal: bit n-1 for signal n, as in /proc/PID/status.
type signalSet uint64

// passing are the signals that do not ask a process to stop its work: those that are ignored unless they are handled,
// the profiler's, and those of job control, which hold until the call is over.
const passing signalSet = 1<<(syscall.SIGURG-1) | 1<<(syscall.SIGCHLD-1) | 1<<(syscall.SIGWINCH-1) | 1<<(syscall.SIGCONT-1) |
	1<<(syscall.SIGPROF-1) | 1<<(syscall.SIGTSTP-1) | 1<<(syscall.SIGSTOP-1) | 1<<(syscall.SIGTTIN-1) | 1<<(syscall.SIGTTOU-1)

// end reports whether a thread that the kernel interrupted, and that still waits, is to be given up: a signal waits for
// it that is not passing. The kernel makes a SIGKILL of each signal that ends the process without a core
// (complete_signal in kernel/signal.c), and gives it to each thread. A thread that cannot be looked at is given up.
func (s signals) end(thread uint32) bool {
	if thread == unknownPID {
		return true
	}
	// Reading it never waits for the process (see callerOf).
	status, err := os.ReadFile(path.Join(threadDir(s.proc, thread), "status"))
	if err != nil {
		return true
	}
	waiting, ok := waitingSignals(status)
	return !ok || waiting&^passing != 0
}

// waitingSignals finds the signals that wait for a thread and that it does not block, in the text of its status.
func waitingSignals(status []byte) (waiting signalSet, ok bool) {
	var own, shared, blocked uint64
	fields := map[string]*uint64{"SigPnd": &own, "ShdPnd": &shared, "SigBlk": &blocked}
	for line := range bytes.Lines(status) {
		name, text, _ := bytes.Cut(line, []byte(":"))
		field, wanted := fields[string(name)]
		if !wanted {
			continue
		}
		n, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 16, 64)
		if err != nil {
			return 0, false
		}
		*field = n
		delete(fields, string(name))
	}
	return signalSet((own | shared) &^ blocked), len(fields) == 0
}
