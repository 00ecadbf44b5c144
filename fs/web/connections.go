package web

import (
	"container/list"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// connections is a listener that has no more than so many connections at once, and of one client address no more than half of them.
// Where there is no place for another one, that which has waited longest for a request goes. Where all are busy, a client that has half
// of them gets no more, and the next of another one waits.
type connections struct {
	net.Listener
	most int
	// closed ends those that wait for a place.
	closed    chan struct{}
	closeOnce sync.Once
	// freed has a token where a connection has ended, or begun to wait for a request, since the last look.
	freed chan struct{}

	// mu guards the rest.
	mu   sync.Mutex
	open int
	// idle has all connections that wait for a request, the one that has waited longest first.
	idle      *list.List
	addresses map[string]*address
}

// address is what a client address has of the connections.
type address struct {
	open int
	idle *list.List
}

// newConnections bounds what a server gets from a listener.
func newConnections(l net.Listener, most int, server *http.Server) *connections {
	c := &connections{
		Listener: l, most: most, closed: make(chan struct{}), freed: make(chan struct{}, 1),
		idle: list.New(), addresses: make(map[string]*address),
	}
	server.ConnState = c.state
	return c
}

// Accept implements net.Listener.
func (c *connections) Accept() (net.Conn, error) {
	for {
		accepted, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		one, ok := accepted.(*net.TCPConn)
		if !ok {
			return accepted, nil
		}
		conn := &connection{TCPConn: one, all: c, from: hostOf(one.RemoteAddr().String())}
		if c.place(conn) {
			return conn, nil
		}
		_ = one.Close()
	}
}

// place finds a place for a connection, and reports false where there is none for its address.
func (c *connections) place(conn *connection) bool {
	for {
		given, refused, goes := c.take(conn)
		if goes != nil {
			_ = goes.Close()
			continue
		}
		if given || refused {
			return given
		}
		select {
		case <-c.freed:
		case <-c.closed:
			return false
		}
	}
}

// take gives a connection a place if there is one. Else goes is the connection that has to be closed first, or the address has too many,
// or one of the others has to end.
func (c *connections) take(conn *connection) (given, refused bool, goes *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.addresses[conn.from]
	if of == nil {
		of = &address{idle: list.New()}
	}
	switch {
	case of.open >= max(1, c.most/2):
		goes = oldest(of.idle)
		return false, goes == nil, goes
	case c.open >= c.most:
		return false, false, oldest(c.idle)
	}
	c.addresses[conn.from] = of
	c.open++
	of.open++
	conn.waitLocked(of)
	return true, false, nil
}

func oldest(idle *list.List) *connection {
	if first := idle.Front(); first != nil {
		conn, _ := first.Value.(*connection)
		return conn
	}
	return nil
}

// state is told by the server what becomes of a connection.
func (c *connections) state(of net.Conn, state http.ConnState) {
	if secure, ok := of.(*tls.Conn); ok {
		of = secure.NetConn()
	}
	conn, ok := of.(*connection)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn.gone {
		return
	}
	switch state {
	case http.StateActive:
		conn.busyLocked()
	case http.StateIdle:
		conn.waitLocked(c.addresses[conn.from])
		c.freeLocked() // it goes if another one waits
	case http.StateNew, http.StateHijacked, http.StateClosed: // new ones wait from the beginning, others end with Close
	}
}

// Close implements net.Listener.
func (c *connections) Close() error {
	c.closeOnce.Do(func() { close(c.closed) })
	return c.Listener.Close()
}

// connection is one of them. It takes bytes from the disk without memory in between.
type connection struct {
	*net.TCPConn
	all  *connections
	from string

	// inAll and inOwn are where it stands among those that wait, nil while it is busy; gone says that its place was given back. The mutex
	// of connections guards them.
	inAll, inOwn *list.Element
	gone         bool
}

func (c *connection) waitLocked(of *address) {
	if c.inAll == nil {
		c.inAll, c.inOwn = c.all.idle.PushBack(c), of.idle.PushBack(c)
	}
}

func (c *connection) busyLocked() {
	if c.inAll != nil {
		c.all.idle.Remove(c.inAll)
		c.all.addresses[c.from].idle.Remove(c.inOwn)
		c.inAll, c.inOwn = nil, nil
	}
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.all.leave(c)
	return c.TCPConn.Close()
}

// leave gives the place of a connection back, once.
func (c *connections) leave(conn *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn.gone {
		return
	}
	conn.busyLocked()
	conn.gone = true
	c.open--
	if of := c.addresses[conn.from]; of.open > 1 {
		of.open--
	} else {
		delete(c.addresses, conn.from)
	}
	c.freeLocked()
}

// freeLocked wakes the one that waits for a place.
func (c *connections) freeLocked() {
	select {
	case c.freed <- struct{}{}:
	default:
	}
}

// ReadFrom implements io.ReaderFrom: what is on the disk is sent with sendfile(2).
func (c *connection) ReadFrom(r io.Reader) (int64, error) {
	if e, ok := r.(*extent); ok {
		return e.sendTo(c.TCPConn)
	}
	return c.TCPConn.ReadFrom(r)
}

// sendAtOnce is how much one sendfile(2) is asked for; the kernel takes what there is room for.
const sendAtOnce = 4 << 20

// sendTo sends the bytes to a connection. A client that takes none of them for stalledFor is gone.
func (e *extent) sendTo(to *net.TCPConn) (total int64, err error) {
	socket, err := to.SyscallConn()
	if err != nil {
		return 0, err
	}
	disk, err := e.file.SyscallConn()
	if err != nil {
		e.failed = true
		return 0, err
	}
	for e.left > 0 {
		if err := to.SetWriteDeadline(time.Now().Add(stalledFor)); err != nil {
			return total, err
		}
		var n int
		var sent, waited error
		err := disk.Control(func(from uintptr) {
			waited = socket.Write(func(fd uintptr) bool {
				at := e.at
				n, sent = unix.Sendfile(int(fd), int(from), &at, int(min(e.left, sendAtOnce))) //nolint:gosec // descriptors are small
				return sent != unix.EAGAIN && sent != unix.EINTR
			})
		})
		switch {
		case waited != nil:
			return total, waited
		case sent == unix.EPIPE || sent == unix.ECONNRESET:
			return total, sent
		case err == nil && sent == nil && n == 0:
			err = io.ErrUnexpectedEOF
		case err == nil:
			err = sent
		}
		if err != nil {
			e.failed = true
			return total, err
		}
		e.at, e.left, total = e.at+int64(n), e.left-int64(n), total+int64(n)
	}
	return total, nil
}
