package emulator

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"

	"clipfs/clip/emulator/fault"
)

// meet looks for a fault that hits the call.
func (s *Server) meet(api API, c *call, ref streamRef) {
	name, err := ref.name()
	if err != nil {
		name = ""
	}
	c.fault, c.faulty = s.faults.Meet(fault.Call{API: string(api), Stream: string(name), Key: signer(c.r)})
	if c.faulty {
		if st, err := s.streams.find(ref); err == nil {
			c.stream = st.name // what it is counted under, however far it comes
		}
		s.log.Debug("fault", "api", api, "stream", name, "fault", c.fault)
	}
}

// has reports whether a fault of that kind hits the call.
func (c *call) has(kind fault.Kind) bool { return c.faulty && c.fault.Kind == kind }

// named gives the stream that the body names, whatever else it holds.
func (c *call) named() (ref streamRef) {
	_ = json.Unmarshal(c.body, &ref) // what is wrong with the body is for the operation to say
	return ref
}

// signer tells apart the credentials that requests are signed with, without telling a session token.
func signer(r *http.Request) string {
	sig, err := readSignature(r.Header)
	if err != nil {
		return ""
	}
	token := r.Header.Get("X-Amz-Security-Token")
	if token == "" {
		return sig.key
	}
	return fmt.Sprintf("%s+%x", sig.key, sha256.Sum256([]byte(token)))[:len(sig.key)+9]
}

// before does what a fault does before the signature is checked.
func (c *call) before() error {
	switch {
	case c.has(fault.Status):
		return &statusError{c.fault.Status}
	case c.has(fault.Skew):
		return c.skew()
	}
	return nil
}

// skew moves the service's clock and holds the request against it.
func (c *call) skew() error {
	c.now = c.now.Add(c.fault.Shift)
	sig, err := readSignature(c.r.Header)
	if err != nil {
		return err
	}
	return sig.checkTime(c.now)
}

// refuse does what a fault does once the signature is checked.
func (c *call) refuse(api API, ref streamRef) error {
	switch {
	case c.has(fault.Throttle):
		return throttled()
	case c.has(fault.Expired):
		return refuse(errExpiredToken, "The security token included in the request is expired")
	case c.has(fault.Denied):
		name, _ := ref.name() // there may be none
		return refuse(errAccessDenied, "User: arn:aws:iam::000000000000:user/emulator is not authorized to perform: kinesisvideo:%s on resource: %s%s/*",
			api, arnPrefix, name)
	}
	return nil
}

// faded gives a stream as a fault leaves it.
func (c *call) faded(st stream) stream {
	if c.has(fault.Aged) {
		st.retention = 1 // not 0, which is another error
	}
	return st
}

// statusError is an answer that says no more than its status.
type statusError struct{ status int }

func (e *statusError) Error() string { return http.StatusText(e.status) }

// answer gives it as the service does, or as who stands before it.
func (e *statusError) answer(suffix string) answer {
	switch e.status {
	case http.StatusInternalServerError:
		return jsonAnswer{status: e.status, errorType: string(errInternal) + suffix, value: errorBody{"Internal failure."}}
	case http.StatusServiceUnavailable:
		return jsonAnswer{status: e.status, errorType: string(errUnavailable) + suffix, value: errorBody{"Service is unavailable."}}
	}
	return &bytesAnswer{status: e.status, contentType: "text/plain", body: []byte(http.StatusText(e.status) + "\n")}
}

// faultPut does to PutMedia what a fault does before it is answered.
func (s *Server) faultPut(ctx context.Context, c *call, ref streamRef) error {
	s.meet(PutMedia, c, ref)
	switch {
	case c.has(fault.Reset), c.has(fault.Close):
		fault.Cut(c.fault, rawConn(ctx))
		panic(http.ErrAbortHandler)
	case c.has(fault.Stall):
		if fault.Wait(ctx, c.fault) != nil {
			panic(http.ErrAbortHandler)
		}
	}
	return errors.Join(c.before(), c.refuse(PutMedia, ref))
}

// rawConnKey is the key under which a connection travels in its context.
type rawConnKey struct{}

// rawConn gives the connection of a request.
func rawConn(ctx context.Context) net.Conn {
	conn, _ := ctx.Value(rawConnKey{}).(net.Conn)
	return conn
}
