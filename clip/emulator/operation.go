package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"clipfs/clip/emulator/fault"
)

// API is the name of an operation.
type API string

// The operations that the emulator has.
const (
	CreateStream        API = "CreateStream"
	DeleteStream        API = "DeleteStream"
	DescribeStream      API = "DescribeStream"
	GetClip             API = "GetClip"
	GetDataEndpoint     API = "GetDataEndpoint"
	ListFragments       API = "ListFragments"
	ListStreams         API = "ListStreams"
	ListTagsForStream   API = "ListTagsForStream"
	PutMedia            API = "PutMedia"
	TagStream           API = "TagStream"
	UntagStream         API = "UntagStream"
	UpdateDataRetention API = "UpdateDataRetention"
	UpdateStream        API = "UpdateStream"
)

// path is where an operation is sent: its name with a small first letter (API reference, Request Syntax).
func (a API) path() string { return "/" + strings.ToLower(string(a[:1])) + string(a[1:]) }

// call is one request on its way.
type call struct {
	r    *http.Request
	body []byte
	now  time.Time

	// stream that the operation found, and fragments that its answer holds: what the call is counted under.
	stream    StreamName
	fragments int

	// fault that hits the call, if it is faulty.
	fault  fault.Rule
	faulty bool
}

// read decodes the body into v. Unknown members are let pass, as the service does.
func (c *call) read(v any) error {
	if len(c.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return refuse(errSerialization, "The request body is not JSON: %v", err)
		}
		return refuse(errSerialization, "%v", err)
	}
	return nil
}

// answer is what an operation gives back: it knows how to write itself. Close comes after write, or instead of it.
type answer interface {
	// write writes headers and body. An error means that the connection has to be cut.
	write(ctx context.Context, w http.ResponseWriter) error
	Close() error
}

// operation runs one API.
type operation func(ctx context.Context, c *call) (answer, error)

// controlAPIs and dataAPIs are the operations of each listener, by name.
func controlAPIs() []API {
	return []API{CreateStream, DeleteStream, DescribeStream, GetDataEndpoint, ListStreams, ListTagsForStream, TagStream,
		UntagStream, UpdateDataRetention, UpdateStream}
}

func dataAPIs() []API { return []API{GetClip, ListFragments, PutMedia} }

// controlOperations are what the control listener has.
func (s *Server) controlOperations() map[API]operation {
	return map[API]operation{
		CreateStream:        s.createStream,
		DeleteStream:        s.deleteStream,
		DescribeStream:      s.describeStream,
		GetDataEndpoint:     s.getDataEndpoint,
		ListStreams:         s.listStreams,
		ListTagsForStream:   s.listTags,
		TagStream:           s.tagStream,
		UntagStream:         s.untagStream,
		UpdateDataRetention: s.updateRetention,
		UpdateStream:        s.updateStream,
	}
}

// dataOperations are what the data listener has.
func (s *Server) dataOperations() map[API]operation {
	return map[API]operation{
		GetClip:       s.getClip,
		ListFragments: s.listFragments,
	}
}

// findControl gives the stream that ref names, if its quota and the account's have room for this operation.
func (s *Server) findControl(c *call, api API, ref streamRef) (stream, error) {
	if err := s.account.call(api, c.now); err != nil {
		return stream{}, err
	}
	st, err := s.find(c, ref)
	if err != nil {
		return stream{}, err
	}
	return st, st.quota.call(api, c.now)
}

// find gives the stream that ref names, and counts the call under it.
func (s *Server) find(c *call, ref streamRef) (stream, error) {
	if c.has(fault.Deleted) {
		return stream{}, noStream()
	}
	st, err := s.streams.find(ref)
	if err == nil {
		c.stream = st.name
	}
	return c.faded(st), err
}
