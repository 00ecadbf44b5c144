// Package arrivals tells how many bytes of an answer have come over the network that nobody has read. They wait in two places: in
// the kernel, which counts them, and in the buffers of net/http and crypto/tls, from which they are read. A connection that Count
// makes can do both, and Note tells of the one that a call was given. Connections carry one answer at a time (HTTP/1.1).
package arrivals

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptrace"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// connection knows how many bytes have come over it that nobody has read: the service has sent them, and
// they are paid, also when the answer is given up. What is read counts here as it comes from the kernel, so that headers
// and encryption, which are read too, do not matter.
type connection struct {
	*net.TCPConn
	read atomic.Int64
	// last is what was unread when the connection was closed; it is there once closed is true, and that before the kernel's
	// own count is gone.
	last    atomic.Int64
	closed  atomic.Bool
	closing sync.Once
	// ended says that nothing more is to be read from the kernel.
	ended atomic.Bool
}

func (c *connection) Read(p []byte) (int, error) {
	if c.ended.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := c.TCPConn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// Close implements net.Conn. A call whose context ends has its connection closed before anybody can ask.
func (c *connection) Close() error {
	c.closing.Do(func() {
		c.last.Store(c.waiting())
		c.closed.Store(true)
	})
	return c.TCPConn.Close()
}

// unread gives how many bytes have come and were not read.
func (c *connection) unread() int64 {
	waiting := c.waiting() // nothing where it was closed meanwhile
	if c.closed.Load() {
		return c.last.Load()
	}
	return waiting
}

// waiting asks the kernel (tcp(7), TCP_INFO). Where it does not say it is 0.
func (c *connection) waiting() int64 {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	var info *unix.TCPInfo
	failed := raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if failed != nil || err != nil {
		return 0
	}
	return max(0, int64(info.Bytes_received)-c.read.Load())
}

// Count makes a way to dial give connections that count.
func Count(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if plain, ok := conn.(*net.TCPConn); ok && err == nil {
			return &connection{TCPConn: plain}, nil
		}
		return conn, err
	}
}

// Answer knows the connection of the last answer to a call.
type Answer struct{ used atomic.Pointer[connection] }

// Note gives a context for a call, and what knows its answer.
func Note(ctx context.Context) (context.Context, *Answer) {
	var a Answer
	trace := &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		conn := got.Conn
		if encrypted, ok := conn.(*tls.Conn); ok {
			conn = encrypted.NetConn()
		}
		counted, _ := conn.(*connection)
		a.used.Store(counted)
	}}
	return httptrace.WithClientTrace(ctx, trace), &a
}

// Unread gives up the body of the answer, of which nothing can be read afterwards, and gives how many of its bytes have come and
// were not read. With TLS up to a record more or less: the kernel counts what is encrypted. It is 0 where the connection does not count.
func (a *Answer) Unread(body io.Reader) int64 {
	c := a.used.Load()
	if c == nil {
		return 0
	}
	c.ended.Store(true)
	buffered, _ := io.Copy(io.Discard, body) // until the buffers are empty
	return buffered + c.unread()
}
