package harness

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// readyAfter is how long the emulator and a mount may take to be ready.
const readyAfter = 60 * time.Second

// Emulator is "clipfs emulator" in a process of its own.
type Emulator struct {
	// Endpoint is the URL of the control API.
	Endpoint string
	args     []string
	process  *process
}

// StartEmulator starts the emulator on ports that are free.
func StartEmulator(t testing.TB, args ...string) *Emulator {
	t.Helper()
	e := &Emulator{args: args}
	e.start(t, "127.0.0.1:0")
	return e
}

// StartEmulatorAt starts the emulator with the control API at a HOST:PORT.
func StartEmulatorAt(t testing.TB, listen string, args ...string) *Emulator {
	t.Helper()
	e := &Emulator{args: args}
	e.start(t, listen)
	return e
}

// start starts the process and waits until it says where it is.
func (e *Emulator) start(t testing.TB, listen string) {
	t.Helper()
	var stdout io.ReadCloser
	e.process = start(t, func(cmd *exec.Cmd) {
		var err error
		if stdout, err = cmd.StdoutPipe(); err != nil {
			t.Fatal(err)
		}
	}, append([]string{"emulator", "--listen", listen}, e.args...)...)
	e.ready(t, stdout)
}

// ready waits until a process says where it is.
func (e *Emulator) ready(t testing.TB, stdout io.Reader) {
	t.Helper()
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		lines <- line
	}()
	select {
	case line := <-lines:
		var ready struct{ Endpoint string }
		if err := json.Unmarshal([]byte(line), &ready); err != nil || ready.Endpoint == "" {
			t.Fatalf("%s said %q: %v\n%s", e.process.cmd.Path, line, err, e.process.log)
		}
		e.Endpoint = ready.Endpoint
	case <-time.After(readyAfter):
		t.Fatalf("%s not ready\n%s", e.process.cmd.Path, e.process.log)
	}
}

// Log is what the emulator has written to stderr so far.
func (e *Emulator) Log() string { return e.process.log.String() }

// Kill ends the emulator as a crash does.
func (e *Emulator) Kill(t testing.TB) {
	t.Helper()
	if err := e.process.stop(syscall.SIGKILL); err != nil {
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
	e.start(t, net.JoinHostPort("127.0.0.1", port))
}

// Count is what one kind of call on one stream has amounted to.
type Count struct {
	API, Stream                        string
	Calls, Fragments, Bytes, Throttled int64
}

// Counts asks the emulator what it has been asked so far.
func (e *Emulator) Counts(t testing.TB) []Count {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.Endpoint+"/_emulator/calls", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var out struct{ Calls []Count }
	if err := json.NewDecoder(response.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return out.Calls
}

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
