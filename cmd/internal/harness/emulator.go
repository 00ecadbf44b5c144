package harness

import (
	"net"
	"syscall"
	"testing"

	"clipfs/clip/emulator/control"
	"clipfs/cmd/internal/child"
)

// Emulator is "clipfs emulator" in a process of its own.
type Emulator struct {
	// Endpoint is the URL of the control API.
	Endpoint string
	args     []string
	process  *child.Process
}

// StartEmulator starts the emulator on ports that are free.
func StartEmulator(t testing.TB, args ...string) *Emulator {
	t.Helper()
	return StartEmulatorAt(t, "127.0.0.1:0", args...)
}

// StartEmulatorAt starts the emulator with the control API at a HOST:PORT.
func StartEmulatorAt(t testing.TB, listen string, args ...string) *Emulator {
	t.Helper()
	e := startServer(t, Binary(t), append([]string{"emulator", "--listen", listen}, args...)...)
	e.args = args
	return e
}

// Log is what the emulator has written to stderr so far.
func (e *Emulator) Log() string { return e.process.Log() }

// Kill ends the emulator as a crash does.
func (e *Emulator) Kill(t testing.TB) {
	t.Helper()
	if err := e.process.Stop(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// Restart starts it again at the same endpoint, with the data API on another port.
func (e *Emulator) Restart(t testing.TB) {
	t.Helper()
	_, port, err := net.SplitHostPort(e.Endpoint[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	again := StartEmulatorAt(t, net.JoinHostPort("127.0.0.1", port), e.args...)
	e.Endpoint, e.process = again.Endpoint, again.process
}

// Control talks to the emulator.
func (e *Emulator) Control(t testing.TB) *control.Client {
	t.Helper()
	client, err := control.New(e.Endpoint, control.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Counts asks the emulator what it has been asked so far.
func (e *Emulator) Counts(t testing.TB) []control.CallCount {
	t.Helper()
	calls, err := e.Control(t).Calls(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

// PID is the emulator's process.
func (e *Emulator) PID() int { return e.process.Cmd.Process.Pid }

// Calls gives how often an API was called, on all streams.
func (e *Emulator) Calls(t testing.TB, api string) int64 {
	t.Helper()
	var n int64
	for _, c := range e.Counts(t) {
		if c.API == api {
			n += c.Calls
		}
	}
	return n
}
