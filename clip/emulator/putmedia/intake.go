package putmedia

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"clipfs/clip/emulator/wire"

	"golang.org/x/time/rate"
)

// Why no more of a body can be read.
var (
	errIdle        = errors.New("nothing arrived for too long")
	errPutDuration = errors.New("connection lasted too long")
	errUnreadable  = errors.New("body cannot be read")
)

const (
	// maxPut is how long a PutMedia connection may last, in the service as long as a streaming token.
	maxPut = 45 * time.Minute
	// putIdle is how long nothing may arrive before the connection is ended, idleEvery how often its producer is told
	// (API reference, PutMedia, Response Elements; the period is not told there).
	putIdle   = 30 * time.Second
	idleEvery = 5 * time.Second
	// putLinger is how long a producer whose media was refused may take to stop sending.
	putLinger = time.Second
)

// Intake reads a request's body for as long as a PutMedia connection may last, and no faster than its quota.
type Intake struct {
	body    io.Reader
	control *http.ResponseController
	// done ends every read, wait waits for the quota of so many bytes.
	done  <-chan struct{}
	wait  func(n int) error
	until time.Time
	// breakdown is called once no more than left bytes have come; nil is not.
	breakdown func() error
	left      int64
	// forget stops watching for the end.
	forget func() bool
	// last is when something arrived last, in nanoseconds since 1970.
	last atomic.Int64
	// ended says that the body was read to its end.
	ended bool
}

// NewIntake makes the intake of a connection that began at a time. Reads end with ctx.
func NewIntake(ctx context.Context, body io.Reader, control *http.ResponseController, began time.Time) *Intake {
	in := &Intake{body: body, control: control, done: ctx.Done(), wait: func(int) error { return nil }, until: began.Add(maxPut)}
	in.last.Store(began.UnixNano())
	in.forget = context.AfterFunc(ctx, func() { _ = control.SetReadDeadline(time.Now()) }) // Fails where the connection is gone.
	return in
}

// limit makes reads wait for a bucket of bytes.
func (in *Intake) limit(ctx context.Context, bucket *rate.Limiter) {
	in.wait = func(n int) error { return bucket.WaitN(ctx, n) }
}

// breakAt has a function called once so many bytes have been read. Its error ends the reading.
func (in *Intake) breakAt(at int64, breakdown func() error) { in.left, in.breakdown = at, breakdown }

// over reports whether the context has ended.
func (in *Intake) over() bool {
	select {
	case <-in.done:
		return true
	default:
		return false
	}
}

// Read implements io.Reader. Errors are io.EOF, errIdle, errPutDuration, errUnreadable, that of breakAt and that of the context.
func (in *Intake) Read(b []byte) (int, error) {
	if len(b) > wire.MaxChunk {
		b = b[:wire.MaxChunk]
	}
	if in.breakdown != nil {
		if in.left == 0 {
			breakdown := in.breakdown
			in.breakdown = nil
			if err := breakdown(); err != nil {
				return 0, err
			}
		} else if int64(len(b)) > in.left {
			b = b[:in.left]
		}
	}
	deadline := time.Now().Add(putIdle)
	if deadline.After(in.until) {
		deadline = in.until
	}
	if err := in.control.SetReadDeadline(deadline); err != nil {
		return 0, errUnreadable
	}
	if in.over() { // Looked at after the deadline was moved: the end of the context moves it too.
		return 0, context.Canceled
	}
	n, err := in.body.Read(b)
	if n > 0 {
		in.left -= min(in.left, int64(n))
		in.last.Store(time.Now().UnixNano())
		if in.wait(n) != nil {
			return 0, context.Canceled
		}
		if !errors.Is(err, io.EOF) {
			return n, nil // What is wrong comes again.
		}
	}
	return n, in.reason(err)
}

// reason says why reading failed.
func (in *Intake) reason(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		in.ended = true
		return io.EOF
	case in.over():
		return context.Canceled
	case errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(in.until):
		return errPutDuration
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errIdle
	}
	return errUnreadable
}

// Linger reads what a producer still sends, for a time: closing the connection on it would take the answer away that it
// has not read yet. It comes after everything else that reads.
func (in *Intake) Linger() {
	defer in.forget()
	if in.ended || in.control.SetReadDeadline(time.Now().Add(putLinger)) != nil || in.over() {
		return
	}
	_, _ = io.Copy(io.Discard, in.body) // It ends, in whatever way.
}
