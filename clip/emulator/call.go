package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
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
	now       time.Time

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

// findControl gives the stream that ref names, if its quota and the account's have room for this operation.
func (s *Server) findControl(c *call, api wire.API, ref wire.StreamRef) (streams.Stream, error) {
	if err := s.account.Call(api, c.now); err != nil {
		return streams.Stream{}, err
	}
	st, err := s.find(c, ref)
	if err != nil {
		return streams.Stream{}, err
	}
	return st, st.Quota.Call(api, c.now)
}

// find gives the stream that ref names, and counts the call under it.
func (s *Server) find(c *call, ref wire.StreamRef) (streams.Stream, error) {
	if c.has(fault.Deleted) {
		return streams.Stream{}, wire.NoStream()
	}
	st, err := s.streams.Find(ref)
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
