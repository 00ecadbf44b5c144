package fault

import (
	"fmt"
	"net"
	"net/http"
	"sync"
)

// Door is a listener that can be closed for a time, so that whoever connects is refused.
type Door struct {
	listen func(address string) (net.Listener, error)

	mu     sync.Mutex   // mu guards what follows
	inner  net.Listener // nil while it is shut
	addr   net.Addr
	turned chan struct{} // closed when inner or closed changes
	closed bool
	conns  map[net.Conn]http.ConnState
}

var _ net.Listener = (*Door)(nil)

// OpenDoor gives a door that is open at an address.
func OpenDoor(address string, listen func(address string) (net.Listener, error)) (*Door, error) {
	inner, err := listen(address)
	if err != nil {
		return nil, err
	}
	return &Door{listen: listen, inner: inner, addr: inner.Addr(), turned: make(chan struct{}), conns: make(map[net.Conn]http.ConnState)}, nil
}

// Accept waits for the next connection, while the door is shut too. Its error is net.ErrClosed once the door is closed for good.
func (d *Door) Accept() (net.Conn, error) {
	for {
		d.mu.Lock()
		inner, turned, closed := d.inner, d.turned, d.closed
		d.mu.Unlock()
		if closed {
			return nil, net.ErrClosed
		}
		if inner == nil {
			<-turned
			continue
		}
		conn, err := inner.Accept()
		d.mu.Lock()
		same := d.inner == inner
		if same && err == nil {
			d.conns[conn] = http.StateNew
		}
		d.mu.Unlock()
		switch {
		case same:
			return conn, err
		case err == nil: // it came in the moment in which the door was shut
			_ = conn.Close()
		}
	}
}

// Note is told of what connections do; it is an http.Server's ConnState. The connections may have been encrypted since.
func (d *Door) Note(conn net.Conn, state http.ConnState) {
	if encrypted, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = encrypted.NetConn()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch state {
	case http.StateClosed, http.StateHijacked:
		delete(d.conns, conn)
		return
	case http.StateIdle:
		if d.inner == nil {
			_ = conn.Close() // no next call comes through a door that is shut
		}
	}
	d.conns[conn] = state
}

// Turn shuts the door, or opens it at the address that it had. Calls under way go on when it is shut, and their connections
// are closed after them. A door that was not made yet, or is as it should be, stays so.
func (d *Door) Turn(shut bool) error {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || shut == (d.inner == nil) {
		return nil
	}
	defer d.turnedLocked()
	if shut {
		err := d.inner.Close()
		d.inner = nil
		for conn, state := range d.conns {
			if state != http.StateActive {
				_ = conn.Close()
			}
		}
		return err
	}
	inner, err := d.listen(d.addr.String())
	if err != nil {
		return fmt.Errorf("listen again: %w", err)
	}
	d.inner = inner
	return nil
}

// turnedLocked wakes an Accept that waits.
func (d *Door) turnedLocked() {
	close(d.turned)
	d.turned = make(chan struct{})
}

// Close closes the door for good. Its error is net.ErrClosed if it was closed before.
func (d *Door) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return net.ErrClosed
	}
	d.closed = true
	d.turnedLocked()
	inner := d.inner
	d.inner = nil
	if inner == nil {
		return nil
	}
	return inner.Close()
}

// Addr is the address at which the door stands, open or shut.
func (d *Door) Addr() net.Addr { return d.addr }
