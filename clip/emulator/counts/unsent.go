package counts

import (
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

// Listener gives connections that count what they send.
type Listener struct {
	net.Listener
	Calls *Table
}

// Accept implements net.Listener. Connections that are none of TCP stay as they are.
func (l Listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		return &Conn{TCPConn: tcp, calls: l.Calls}, nil
	}
	return conn, err
}

// Conn is a connection whose last answer is counted as far as the client's machine has it: what net/http and the
// kernel still hold here when the client closes was handed to the connection and never sent, or sent to nobody.
type Conn struct {
	*net.TCPConn
	calls *Table

	// mu guards what follows.
	mu sync.Mutex
	// last is whose answer is being sent, counted how many bytes of it were, and written what the kernel has of it, with its
	// header.
	last             Count
	counted, written int64
	closed           bool
}

// Begin says whose answer comes next.
func (c *Conn) Begin(key Count) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.counted, c.written = key, 0, 0
}

// Add counts bytes that are handed to the connection. It is false once the connection is closed, whose answer is counted to
// its end then: net/http closes it before it tells that a write failed.
func (c *Conn) Add(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counted += int64(n)
	return !c.closed
}

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.TCPConn.Write(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written += int64(n)
	return n, err
}

// Close implements net.Conn, and takes back what was not sent.
func (c *Conn) Close() error {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		if unsent := c.unsent(); unsent > 0 {
			c.calls.TakeBack(c.last, min(c.counted, max(0, c.counted-c.written+unsent)))
		}
	}
	c.mu.Unlock()
	return c.TCPConn.Close()
}

// unsent asks the kernel how much it has not sent to a client that has closed (tcp(7), TCP_INFO). It is 0 where the client
// still listens, as the kernel goes on sending then, and where the kernel does not say.
func (c *Conn) unsent() int64 {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	var info *unix.TCPInfo
	failed := raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if failed != nil || err != nil || info.State != unix.BPF_TCP_CLOSE && info.State != unix.BPF_TCP_CLOSE_WAIT {
		return 0
	}
	return int64(info.Notsent_bytes)
}
