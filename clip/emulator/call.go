package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"clipfs/clip/emulator/fault"
	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"
)

// call is one request on its way.
type call struct {
	r *http.Request
	// operation is none for PutMedia, which has no body of members.
	operation wire.Operation
	body      []byte
	// now is the service's time, received the machine's: what clients sign for.
	now, received time.Time
	// owner is what the streams belong to for this client.
	owner wire.Owner

	// stream that the operation found, and fragments that its answer holds: what the call is counted under.
	stream    wire.StreamName
	fragments int

	// fault that hits the call, if it is faulty.
	fault  fault.Rule
	faulty bool
}

// has reports whether a fault of that kind hits the call.
func (c *call) has(kind fault.Kind) bool { return c.faulty && c.fault.Kind == kind }

// read decodes the body into v, if it is as the model wants it.
func (c *call) read(v any) error {
	members, err := c.operation.Check(c.body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(members, v); err != nil {
		return fmt.Errorf("%s: members %.100s: %w", c.operation.API, members, err)
	}
	return nil
}

// owner gives what the streams belong to for a client: the region is the one that it signs for.
func (s *Server) owner(r *http.Request) wire.Owner {
	o := wire.Owner{Account: s.options.Account}
	if sig, err := wire.ReadSignature(r); err == nil {
		o.Region = sig.Region
	}
	return o
}

// findControl gives the stream that ref names, if its quota and the account's have room for this operation, and its status
// allows it.
func (s *Server) findControl(c *call, api wire.API, ref wire.StreamRef) (streams.Stream, error) {
	if !s.account.Take(api, c.now) {
		return streams.Stream{}, wire.Throttled(api, c.owner.Account)
	}
	st, err := s.findAny(c, ref)
	if err != nil {
		return streams.Stream{}, err
	}
	if !st.Quota.Take(api, c.now) {
		return streams.Stream{}, wire.Throttled(api, string(st.Name))
	}
	if strings.HasPrefix(string(api), "Describe") || st.Status(c.now) == streams.Active {
		return st, nil
	}
	if strings.HasPrefix(string(api), "Update") || api == wire.DeleteStream {
		return streams.Stream{}, streams.Unavailable()
	}
	return streams.Stream{}, wire.NoStream()
}

// change changes the stream that findControl gives, and answers nothing.
func (s *Server) change(c *call, api wire.API, ref wire.StreamRef, f func(*streams.Stream) error) (any, error) {
	found, err := s.findControl(c, api, ref)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.streams.Change(found, f)
}

// findKept is find of a stream that keeps footage.
func (s *Server) findKept(c *call, ref wire.StreamRef) (streams.Stream, error) {
	st, err := s.find(c, ref)
	if err == nil && st.Retention == 0 {
		err = wire.NoRetention()
	}
	return st, err
}

// find gives the stream that ref names, if it is active, and counts the call under it.
func (s *Server) find(c *call, ref wire.StreamRef) (streams.Stream, error) {
	st, err := s.findAny(c, ref)
	if err == nil && st.Status(c.now) != streams.Active {
		err = wire.NoStream()
	}
	return st, err
}

// findAny gives the stream that ref names, whatever its status, and counts the call under it.
func (s *Server) findAny(c *call, ref wire.StreamRef) (streams.Stream, error) {
	if c.has(fault.Deleted) {
		return streams.Stream{}, wire.NoStream()
	}
	st, err := s.streams.Find(ref, c.owner)
	if err == nil {
		c.stream = st.Name
	}
	return c.faded(st), err
}

// faded gives a stream as a fault leaves it.
func (c *call) faded(st streams.Stream) streams.Stream {
	if c.has(fault.Aged) {
		st.Retention = 1 // not 0, which is another error
	}
	return st
}
