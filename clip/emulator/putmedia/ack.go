package putmedia

import (
	"encoding/json"
	"net/http"
	"time"
)

// event is what an acknowledgement is about.
type event string

// The events (API reference, PutMedia, Response Elements, as they stand on the wire).
const (
	buffering event = "BUFFERING"
	received  event = "RECEIVED"
	persisted event = "PERSISTED"
	idle      event = "IDLE"
	failed    event = "ERROR"
)

// ack is one acknowledgement on the wire: a line.
type ack struct {
	EventType event
	// FragmentTimecode is the timecode as it was sent, in milliseconds, whatever it counts from.
	FragmentTimecode *int64  `json:",omitempty"`
	FragmentNumber   *string `json:",omitempty"`
	ErrorCode        string  `json:",omitempty"`
	ErrorID          int     `json:"ErrorId,omitempty"`

	// waits says that it is told once the next fragment has begun, or nothing else has come for persistLag.
	waits bool
}

// persistLag is how long PERSISTED can be behind the fragment. How long that takes in the service is not known.
const persistLag = 100 * time.Millisecond

// event gives the acknowledgement of an event of the same fragment.
func (a ack) event(e event) ack {
	a.EventType = e
	return a
}

// ackWriter writes the acknowledgements of one connection, and tells the producer when nothing arrives. One goroutine
// writes; it ends with stop.
type ackWriter struct {
	w  http.ResponseWriter
	in *Intake
	// acknowledge is false where the producer wants to hear of errors only.
	acknowledge bool
	lines       chan ack
	// waiting is an acknowledgement that lag is the time of; nil is none. They are the goroutine's.
	waiting *ack
	lag     <-chan time.Time
	// failed is closed when nothing can be written any more, done when the goroutine has ended.
	failed, done chan struct{}
}

// newAckWriter makes a writer.
func newAckWriter(w http.ResponseWriter, in *Intake, acknowledge bool) *ackWriter {
	return &ackWriter{w: w, in: in, acknowledge: acknowledge, lines: make(chan ack), failed: make(chan struct{}),
		done: make(chan struct{})}
}

// start begins the answer. It calls cancel when it cannot be written. A client that expects 100 gets it first.
func (a *ackWriter) start(cancel func(), expects bool) {
	if expects {
		a.w.WriteHeader(http.StatusContinue)
	}
	a.w.Header().Set("Content-Type", "application/json")
	// What follows media that was not read to its end is no request.
	a.w.Header().Set("Connection", "close")
	a.w.WriteHeader(http.StatusOK)
	go func() {
		defer close(a.done)
		if a.run() != nil {
			close(a.failed)
			cancel()
		}
	}()
}

// run writes until lines is closed.
func (a *ackWriter) run() error {
	if err := http.NewResponseController(a.w).Flush(); err != nil {
		return err
	}
	tick := time.Tick(idleEvery)
	for {
		select {
		case line, ok := <-a.lines:
			if !ok {
				return a.write(a.take()...)
			}
			if err := a.write(a.arrange(line)...); err != nil {
				return err
			}
		case <-a.lag:
			if err := a.write(a.take()...); err != nil {
				return err
			}
		case now := <-tick:
			if now.Sub(time.Unix(0, a.in.last.Load())) < idleEvery || !a.acknowledge {
				continue
			}
			if err := a.write(ack{EventType: idle}); err != nil {
				return err
			}
		}
	}
}

// arrange gives what is written now that a line has come, in its order.
func (a *ackWriter) arrange(line ack) []ack {
	before := a.take()
	switch {
	case line.waits:
		a.waiting, a.lag = &line, time.After(persistLag)
		return before
	case line.EventType == buffering:
		return append([]ack{line}, before...)
	}
	return append(before, line)
}

// take gives the acknowledgement that waits, if one does; it is told now.
func (a *ackWriter) take() []ack {
	told := a.waiting
	a.waiting, a.lag = nil, nil
	if told == nil {
		return nil
	}
	return []ack{*told}
}

// write writes lines.
func (a *ackWriter) write(lines ...ack) error {
	for _, line := range lines {
		b, err := json.Marshal(line)
		if err != nil {
			return err
		}
		if _, err := a.w.Write(append(b, '\n')); err != nil {
			return err
		}
	}
	return http.NewResponseController(a.w).Flush()
}

// send hands an acknowledgement over. Where it cannot be written any more it is lost, as the connection is.
func (a *ackWriter) send(line ack) {
	if !a.acknowledge && line.EventType != failed {
		return
	}
	select {
	case a.lines <- line:
	case <-a.failed:
	}
}

// stop writes the last acknowledgement, if there is one, and ends.
func (a *ackWriter) stop(last *ack) {
	if last != nil {
		a.send(*last)
	}
	close(a.lines)
	<-a.done
}
