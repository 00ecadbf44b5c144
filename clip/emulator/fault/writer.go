package fault

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// ErrCut means that a fault has ended an answer: its connection has to be cut off.
var ErrCut = errors.New("answer cut off by a fault")

// Cut breaks a connection off as a rule says: with a reset or with an ordinary end. net/http closes it when the handler
// panics with http.ErrAbortHandler, which has to follow.
func Cut(r Rule, conn net.Conn) {
	if tcp, ok := conn.(interface{ SetLinger(sec int) error }); ok && r.Kind == Reset {
		// What is unsent is dropped, and the peer told with RST: at once, before an encrypted connection says goodbye.
		// Without it, it is told with FIN.
		_ = tcp.SetLinger(0)
		_ = conn.Close()
	}
}

// Wait lets the time of a stall pass: r.For, or as long as ctx lasts, which is an error.
func Wait(ctx context.Context, r Rule) error {
	if r.For == 0 {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	select {
	case <-time.After(r.For):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Writer is a ResponseWriter to which a rule happens at a position of the body: Reset, Close, Stall or Drip.
type Writer struct {
	http.ResponseWriter
	rule Rule
	conn net.Conn
	wait func(Rule) error
	// at is where it happens; written is how far the body is.
	at, written int64
	passed      bool
	// due is when the next drop of a drip is due.
	due time.Time
}

// NewWriter gives a writer for a body of so many bytes that goes to conn.
func NewWriter(ctx context.Context, w http.ResponseWriter, r Rule, conn net.Conn, size int64) *Writer {
	wait := func(r Rule) error { return Wait(ctx, r) }
	return &Writer{ResponseWriter: w, rule: r, conn: conn, wait: wait, at: r.At.Of(size)}
}

// Unwrap gives http.ResponseController what is below.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Write implements io.Writer.
func (w *Writer) Write(b []byte) (int, error) {
	n := 0
	if before := w.at - w.written; before > 0 {
		k, err := w.ResponseWriter.Write(b[:min(before, int64(len(b)))])
		n, w.written = k, w.written+int64(k)
		if err != nil || n == len(b) && w.written < w.at {
			return n, err
		}
	}
	if err := w.happen(); err != nil {
		return n, err
	}
	for n < len(b) {
		k, err := w.some(b[n:])
		n, w.written = n+k, w.written+int64(k)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Finish lets happen what is due behind the last byte.
func (w *Writer) Finish() error { return w.happen() }

// happen lets it happen, once, with everything before it sent.
func (w *Writer) happen() error {
	if w.passed {
		return nil
	}
	w.passed = true
	if err := http.NewResponseController(w.ResponseWriter).Flush(); err != nil {
		return err
	}
	switch w.rule.Kind {
	case Reset, Close:
		Cut(w.rule, w.conn)
		return ErrCut
	case Stall:
		return w.wait(w.rule)
	}
	return nil
}

// dripsEach is how long a drip waits between two drops at most, unless a byte takes longer.
const dripsEach = time.Second / 4

// some writes what goes at once: everything, or a drop.
func (w *Writer) some(b []byte) (int, error) {
	if w.rule.Kind != Drip {
		return w.ResponseWriter.Write(b)
	}
	drop := b[:min(len(b), max(1, int(w.rule.Rate*int64(dripsEach)/int64(time.Second))))]
	if w.due.IsZero() {
		w.due = time.Now()
	}
	// Drops are due by the clock, so that a busy machine, on which each comes late, keeps the rate.
	w.due = w.due.Add(time.Duration(int64(len(drop)) * int64(time.Second) / w.rule.Rate))
	if err := w.wait(Rule{For: max(1, time.Until(w.due))}); err != nil {
		return 0, err
	}
	n, err := w.ResponseWriter.Write(drop)
	if err != nil {
		return n, err
	}
	return n, http.NewResponseController(w.ResponseWriter).Flush()
}
