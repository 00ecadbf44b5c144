package logs

import (
	"bytes"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// mostHeld is how many bytes of lines a Relay holds that its writer has not taken.
	mostHeld = 1 << 20
	// lastCall is how long Close waits for the writer to take what is left.
	lastCall = time.Second
)

// Relay hands lines on to a writer that may block, such as a pipe without a reader. A logger of a mount must not write to such a
// writer itself: the reader of the log may be waiting for a read of the mount, which would wait for the log. Lines that the writer
// does not take in time are lost, and the next line says how many.
//
// It is safe for concurrent use. Each Write is one line.
type Relay struct {
	out    io.Writer
	format Format
	wake   chan struct{} // holds one wake-up
	done   chan struct{} // closed when the goroutine has ended

	// mu guards the rest.
	mu     sync.Mutex
	lines  [][]byte
	held   int
	lost   int
	closed bool
}

// NewRelay gives a relay to a writer. Close ends it. What it says itself is in the format of the other lines.
func NewRelay(out io.Writer, f Format) *Relay {
	r := &Relay{out: out, format: f, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go r.run()
	return r
}

// Write implements io.Writer. It never waits and never fails.
func (r *Relay) Write(line []byte) (int, error) {
	r.mu.Lock()
	if r.closed || r.held+len(line) > mostHeld {
		r.lost++
	} else {
		r.lines = append(r.lines, bytes.Clone(line))
		r.held += len(line)
	}
	r.mu.Unlock()
	r.look()
	return len(line), nil
}

// Close hands on what is left, for a second at most, and ends the relay. What is written after it is lost.
func (r *Relay) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.look()
	select {
	case <-r.done:
	case <-time.After(lastCall):
	}
}

// look has the goroutine look.
func (r *Relay) look() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run hands lines on until the relay is closed.
func (r *Relay) run() {
	defer close(r.done)
	for {
		lines, closed := r.take()
		for _, line := range lines {
			_, _ = r.out.Write(line) // there is nobody to tell
		}
		switch {
		case len(lines) > 0:
		case closed:
			return
		default:
			<-r.wake
		}
	}
}

// take takes what is held. Lines that were lost are told of behind those that came before them.
func (r *Relay) take() (lines [][]byte, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines, r.lines, r.held = r.lines, nil, 0
	if r.lost > 0 {
		var told bytes.Buffer
		New(&told, r.format, slog.LevelWarn).Warn("lines of the log are lost, as nobody took them", "lines", r.lost)
		lines, r.lost = append(lines, told.Bytes()), 0
	}
	return lines, r.closed
}
