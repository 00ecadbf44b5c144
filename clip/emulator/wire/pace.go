package wire

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"golang.org/x/time/rate"
)

const (
	// stallLimit is how long a client may read nothing of an answer before its connection is cut.
	stallLimit = 2 * time.Minute
	// MaxChunk is how many bytes are written at a time, so that a canceled answer stops soon.
	MaxChunk = 64 << 10
	// sendBuffer is how much of an answer may wait in the kernel. Left to itself that becomes 4 MB where client and server
	// are one machine, all of which would count as sent to a client that reads no further.
	sendBuffer = 64 << 10
)

// Pace is how fast a listener answers. The zero value is at once.
type Pace struct {
	// Data says that this is the data listener.
	Data bool
	// Latency passes before the first byte of an answer.
	Latency time.Duration
	// Bandwidth of a connection, in bytes a second; 0 is unlimited.
	Bandwidth int64
}

// connKey is the key under which a connection's bucket travels in its context.
type connKey struct{}

// ConnContext gives a connection its bucket: the bandwidth is a connection's, however many answers it carries.
func (p Pace) ConnContext(ctx context.Context, conn net.Conn) context.Context {
	if encrypted, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = encrypted.NetConn()
	}
	if tcp, ok := conn.(interface{ SetWriteBuffer(bytes int) error }); ok && p.Data {
		_ = tcp.SetWriteBuffer(sendBuffer) // Without it more waits, and everything works.
	}
	ctx = context.WithValue(ctx, rawConnKey{}, conn) // faults break it off
	if p.Bandwidth == 0 {
		return ctx
	}
	// A fiftieth of a second at a time looks smooth to a reader.
	burst := int(max(1, min(p.Bandwidth/50, MaxChunk)))
	return context.WithValue(ctx, connKey{}, rate.NewLimiter(rate.Limit(p.Bandwidth), burst))
}

// rawConnKey is the key under which a connection travels in its context.
type rawConnKey struct{}

// RawConn gives the connection of a request, below its encryption.
func RawConn(ctx context.Context) net.Conn {
	conn, _ := ctx.Value(rawConnKey{}).(net.Conn)
	return conn
}

// Wait lets the latency pass. Its error is that of the context.
func (p Pace) Wait(ctx context.Context) error {
	if p.Latency == 0 {
		return nil
	}
	select {
	case <-time.After(p.Latency):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Writer gives a writer that ends with ctx, does not wait for ever for a reader, and keeps to the bandwidth.
func (p Pace) Writer(ctx context.Context, w http.ResponseWriter) http.ResponseWriter {
	bucket, _ := ctx.Value(connKey{}).(*rate.Limiter)
	return &pacedWriter{ResponseWriter: w, control: http.NewResponseController(w), bucket: bucket,
		done: ctx.Done(), wait: func(n int) error { return bucket.WaitN(ctx, n) }}
}

// pacedWriter is what writer gives.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	bucket  *rate.Limiter // nil: unlimited
	done    <-chan struct{}
	wait    func(n int) error
}

func (w *pacedWriter) Write(b []byte) (int, error) {
	chunk := MaxChunk
	if w.bucket != nil {
		chunk = w.bucket.Burst()
	}
	written := 0
	for written < len(b) {
		n, err := w.writeChunk(b[written:min(written+chunk, len(b))])
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// writeChunk writes a few bytes once the bucket has room for them.
func (w *pacedWriter) writeChunk(b []byte) (int, error) {
	if w.bucket != nil {
		if err := w.wait(len(b)); err != nil {
			return 0, err
		}
	}
	select {
	case <-w.done:
		return 0, net.ErrClosed
	default:
	}
	if err := w.control.SetWriteDeadline(time.Now().Add(stallLimit)); err != nil {
		return 0, fmt.Errorf("write deadline: %w", err)
	}
	n, err := w.ResponseWriter.Write(b)
	if err == nil && w.bucket != nil {
		err = w.control.Flush()
	}
	return n, err
}

// LimitedWriter gives a writer that keeps to a bucket of bytes, which holds MaxChunk at least.
func LimitedWriter(ctx context.Context, w io.Writer, bucket *rate.Limiter) io.Writer {
	return limitedWriter{w, func(n int) error { return bucket.WaitN(ctx, n) }}
}

// limitedWriter is what LimitedWriter gives.
type limitedWriter struct {
	to   io.Writer
	wait func(n int) error
}

func (w limitedWriter) Write(b []byte) (int, error) {
	written := 0
	for part := range slices.Chunk(b, MaxChunk) {
		if err := w.wait(len(part)); err != nil {
			return written, err
		}
		n, err := w.to.Write(part)
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// Unwrap gives http.ResponseController what is below.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
