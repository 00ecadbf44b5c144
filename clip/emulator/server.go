package emulator

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"clipfs/clip/emulator/clock"
	"clipfs/clip/emulator/counts"
	"clipfs/clip/emulator/fault"
	"clipfs/clip/emulator/form"
	"clipfs/clip/emulator/images"
	"clipfs/clip/emulator/session"
	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"
)

// CallCount says what was asked of one operation for one stream.
type CallCount = counts.Count

// Server is an emulated Kinesis Video Streams: make it with New, then Start it once, and Close it. It is safe for
// concurrent use.
type Server struct {
	log         *slog.Logger
	model       []wire.Operation
	clock       *clock.Clock
	streams     *streams.Table
	account     streams.Calls
	tokens      *wire.Tokens
	calls       *counts.Table
	faults      *fault.Table
	madeAt      clipClock
	images      *images.Maker
	sessions    session.Table
	forms       atomic.Pointer[form.Set]
	credentials wire.Credentials
	options     Options

	control, data *http.Server
	// turn is held while doors are opened and shut.
	turn sync.Mutex
	// release closes the store, once.
	release func() error
	// cancel ends the context of every request, stopped is closed when nothing runs any more.
	stopOnce sync.Once
	stopping chan struct{}
	stopped  chan struct{}

	mu          sync.Mutex // mu guards what follows
	started     bool
	controlDoor *fault.Door
	dataDoor    *fault.Door
	err         error
}

// Endpoint is the URL of the control listener, for an SDK's endpoint URL; empty before Start.
func (s *Server) Endpoint() string {
	s.mu.Lock()
	d := s.controlDoor
	s.mu.Unlock()
	if d == nil {
		return ""
	}
	return s.scheme() + reachable(d.Addr().String(), "127.0.0.1")
}

// DataEndpoint is the URL of the data listener, as a client on this machine is told it; empty before Start.
func (s *Server) DataEndpoint() string {
	if s.Endpoint() == "" {
		return ""
	}
	return s.dataEndpoint("127.0.0.1")
}

// dataEndpoint is the URL of the data listener for a client that reached the control listener as host.
func (s *Server) dataEndpoint(host string) string {
	s.mu.Lock()
	addr := s.dataDoor.Addr()
	s.mu.Unlock()
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	told := reachable(addr.String(), host)
	if _, port, err := net.SplitHostPort(told); err == nil && s.options.DataHost != "" {
		told = net.JoinHostPort(s.options.DataHost, port)
	}
	return s.scheme() + told
}

// scheme begins the URLs of both listeners.
func (s *Server) scheme() string {
	if s.options.TLS != nil {
		return "https://"
	}
	return "http://"
}

// reachable gives an address that can be connected to: one that stands for every address of the machine cannot.
func reachable(addr, host string) string {
	ip, port, err := net.SplitHostPort(addr)
	if err != nil || !net.ParseIP(ip).IsUnspecified() {
		return addr
	}
	return net.JoinHostPort(host, port)
}

// Calls gives what was asked so far, by API and stream.
func (s *Server) Calls() []CallCount { return s.calls.List() }

// PayloadForms gives the ways in which payloads are odd now.
func (s *Server) PayloadForms() form.Set { return *s.forms.Load() }

// SetPayloadForms makes the payloads of later calls odd in these ways and no others.
func (s *Server) SetPayloadForms(set form.Set) { s.forms.Store(&set) }

// ResetCalls sets all counts to zero.
func (s *Server) ResetCalls() { s.calls.Reset() }

// clipClock gives times to clips. An MP4 has whole seconds, and no two clips may be equal even if they are made in one:
// whoever mixes the bytes of two should find out here.
type clipClock struct{ last atomic.Int64 }

// next gives now, or the second after the last that was given.
func (c *clipClock) next(now time.Time) time.Time {
	for {
		last := c.last.Load()
		at := max(now.Unix(), last+1)
		if c.last.CompareAndSwap(last, at) {
			return time.Unix(at, 0).UTC()
		}
	}
}
