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
	"clipfs/clip/emulator/putmedia"
	"clipfs/clip/emulator/wire"
)

// meet looks for a fault that hits the call.
func (s *Server) meet(api wire.API, c *call, ref wire.StreamRef) {
	name, err := ref.Name()
	if err != nil {
		name = ""
	}
	c.fault, c.faulty = s.faults.Meet(fault.Call{API: string(api), Stream: string(name), Key: signer(c.r)})
	if c.faulty {
		if st, err := s.streams.Find(ref, c.owner); err == nil {
			c.stream = st.Name // what it is counted under, however far it comes
		}
		s.log.Debug("fault", "api", api, "stream", name, "fault", c.fault)
	}
}

// named gives the stream that the body names, whatever else it holds.
func (c *call) named() (ref wire.StreamRef) {
	_ = json.Unmarshal(c.body, &ref) // what is wrong with the body is for the operation to say
	return ref
}

// signer tells apart the credentials that requests are signed with, without telling a session token.
func signer(r *http.Request) string {
	sig, err := wire.ReadSignature(r)
	if err != nil {
		return ""
	}
	token := r.Header.Get("X-Amz-Security-Token")
	if token == "" {
		return sig.Key
	}
	return fmt.Sprintf("%s+%x", sig.Key, sha256.Sum256([]byte(token)))[:len(sig.Key)+9]
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
	c.now, c.received = c.now.Add(c.fault.Shift), c.received.Add(c.fault.Shift)
	sig, err := wire.ReadSignature(c.r)
	if err != nil {
		return err
	}
	return sig.CheckTime(c.received)
}

// refuse does what a fault does once the signature is checked.
func (c *call) refuse(api wire.API, ref wire.StreamRef) error {
	switch {
	case c.has(fault.Throttle):
		name, _ := ref.Name() // there may be none
		return wire.Throttled(api, string(name))
	case c.has(fault.Expired):
		return wire.Refuse(wire.ExpiredToken, "The security token included in the request is expired")
	case c.has(fault.Denied):
		name, _ := ref.Name() // there may be none
		return wire.Refuse(wire.AccessDenied, "User: %s is not authorized to perform: kinesisvideo:%s on resource: %s",
			c.owner.User(), api, c.owner.AllOf(name))
	}
	return nil
}

// faultPut does to PutMedia what a fault does before it is answered.
func (s *Server) faultPut(ctx context.Context, c *call, ref wire.StreamRef) error {
	s.meet(wire.PutMedia, c, ref)
	switch {
	case c.fault.At.IsSet():
		// It happens in the media (putFaults).
	case c.has(fault.Reset), c.has(fault.Close):
		fault.Cut(c.fault, wire.RawConn(ctx))
		panic(http.ErrAbortHandler)
	case c.has(fault.Stall):
		if fault.Wait(ctx, c.fault) != nil {
			panic(http.ErrAbortHandler)
		}
	}
	return errors.Join(c.before(), c.refuse(wire.PutMedia, ref))
}

// putFaults gives what a fault does to media while it comes.
func (c *call) putFaults(conn net.Conn) putmedia.Faults {
	f := putmedia.Faults{Withhold: c.has(fault.Unpersisted), Late: c.fault.For, Idle: c.has(fault.Idle)}
	f.At, _ = c.fault.At.Bytes()
	switch {
	case c.has(fault.Failure) && !c.fault.At.IsSet():
		f.Failure = c.fault.Code
	case !c.fault.At.IsSet():
	case c.has(fault.Failure):
		f.Break = func(context.Context) error { return putmedia.Ordered(c.fault.Code) }
	case c.has(fault.Stall):
		f.Break = func(ctx context.Context) error { return fault.Wait(ctx, c.fault) }
	case c.has(fault.Reset), c.has(fault.Close):
		f.Break = func(context.Context) error {
			fault.Cut(c.fault, conn)
			_ = conn.Close() // It may be closed.
			return putmedia.ErrBroken
		}
	}
	return f
}
