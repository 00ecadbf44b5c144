package emulator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"clipfs/clip/emulator/clock"
	"clipfs/clip/emulator/counts"
	"clipfs/clip/emulator/fault"
	"clipfs/clip/emulator/images"
	"clipfs/clip/emulator/streams"
	"clipfs/clip/emulator/wire"

	"golang.org/x/sync/errgroup"
)

const (
	headerTimeout = 10 * time.Second
	readTimeout   = time.Minute
	idleTimeout   = 2 * time.Minute
	// stopGrace is how long calls may take to end once the server stops; media is cut off at once.
	stopGrace = time.Second
	// maxHeader is the largest request header, in bytes.
	maxHeader = 64 << 10
)

// New makes a server that does not listen yet, and opens its directory of data, which it has until Close. Errors of the
// options wrap ErrOptions.
func New(o Options) (*Server, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	model, err := wire.Model()
	if err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	now := new(clock.Clock)
	table, err := streams.Open(streams.Options{Log: o.Log, Data: o.Data, Given: o.Streams, Retention: o.Retention, Lifecycle: o.Lifecycle,
		Now: now.Now, NoQuota: o.NoQuota, PutConnections: o.PutConnections})
	if err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	s := &Server{
		log:         o.Log,
		model:       model,
		clock:       now,
		streams:     table,
		account:     streams.NewAccountQuota(o.NoQuota),
		tokens:      wire.NewTokens(),
		images:      images.NewMaker(),
		calls:       &counts.Table{},
		faults:      &fault.Table{},
		credentials: o.Credentials,
		options:     o,
		stopping:    make(chan struct{}),
		stopped:     make(chan struct{}),
	}
	s.SetPayloadForms(o.Payload.Forms)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_emulator/calls", s.telling(s.tellCalls))
	mux.HandleFunc("POST /_emulator/reset", s.postReset)
	mux.HandleFunc("GET /_emulator/clock", s.telling(s.tellClock))
	mux.HandleFunc("POST /_emulator/clock", s.setting(maxForms, s.setClock))
	mux.HandleFunc("DELETE /_emulator/clock", s.telling(s.resetClock))
	mux.HandleFunc("GET /_emulator/payload", s.telling(s.tellForms))
	mux.HandleFunc("POST /_emulator/payload", s.setting(maxForms, s.setForms))
	mux.HandleFunc("GET /_emulator/faults", s.telling(func() any { return tellFaults(s.Faults()) }))
	mux.HandleFunc("POST /_emulator/faults", s.setting(maxRules, s.setFaults))
	mux.HandleFunc("DELETE /_emulator/faults", s.clearFaults)
	mux.HandleFunc("DELETE /_emulator/faults/{id}", s.deleteFault)
	mux.Handle("/", wire.CrossOrigin(s.handler(s.controlOperations(), wire.Pace{}, wire.ControlHost, wire.SignalingHost, wire.StorageHost)))
	s.control = s.httpServer(mux, wire.Pace{})
	p := wire.Pace{Data: true, Latency: o.Latency, Bandwidth: o.Bandwidth}
	s.data = s.httpServer(wire.CrossOrigin(s.withSessions(s.withPutMedia(s.handler(s.dataOperations(), p, wire.ArchiveHost, wire.MediaHost), p), p)), p)
	s.release = sync.OnceValue(table.Close)
	return s, nil
}

// httpServer makes one of the two HTTP servers.
func (s *Server) httpServer(h http.Handler, p wire.Pace) *http.Server {
	return &http.Server{
		Handler:           h,
		ConnContext:       p.ConnContext,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}

// Start opens the listeners and serves until ctx ends or Close is called. It returns when both accept connections.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	again := s.started
	s.started = true
	s.mu.Unlock()
	if again {
		return errors.New("emulator: started before")
	}
	if err := s.openDoors(ctx); err != nil {
		close(s.stopped)
		return err
	}
	control, data := s.controlDoor, s.dataDoor // they do not change any more
	s.warnExposed("control", control.Addr())
	s.warnExposed("data", data.Addr())

	// Requests outlive ctx by nothing: its end cancels them, and so does Close.
	ctx, cancel := context.WithCancel(ctx)
	s.control.BaseContext = func(net.Listener) context.Context { return ctx }
	s.data.BaseContext = s.control.BaseContext
	g := new(errgroup.Group)
	g.Go(func() error { return s.serveOn(s.control, control) })
	g.Go(func() error { return s.serveOn(s.data, data) })
	g.Go(func() error {
		select {
		case <-ctx.Done():
		case <-s.stopping:
		}
		s.stop()
		cancel()
		return errors.Join(shutdown(s.control), shutdown(s.data))
	})
	g.Go(func() error {
		s.streams.Expire(ctx)
		return nil
	})
	go func() {
		err := errors.Join(g.Wait(), s.release())
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
		close(s.stopped)
	}()
	return nil
}

// openDoors opens both listeners, or neither, and puts the faults into force that the options have.
func (s *Server) openDoors(ctx context.Context) error {
	listen := func(address string) (net.Listener, error) { return s.options.Listen(ctx, "tcp", address) }
	control, err := fault.OpenDoor(s.options.Address, listen)
	if err != nil {
		return fmt.Errorf("emulator: listen: %w", err)
	}
	data, err := fault.OpenDoor(s.options.DataAddress, func(address string) (net.Listener, error) {
		inner, err := listen(address)
		return counts.Listener{Listener: inner, Calls: s.calls}, err
	})
	if err != nil {
		return errors.Join(fmt.Errorf("emulator: data listener: %w", err), control.Close())
	}
	s.control.ConnState, s.data.ConnState = control.Note, data.Note
	s.mu.Lock()
	s.controlDoor, s.dataDoor = control, data
	s.mu.Unlock()
	if _, err := s.AddFaults(s.options.Faults...); err != nil {
		return errors.Join(err, control.Close(), data.Close())
	}
	return nil
}

// serveOn accepts connections until the server stops. If it fails by itself, everything stops.
func (s *Server) serveOn(h *http.Server, l net.Listener) error {
	if s.options.TLS != nil {
		config := s.options.TLS.Clone()
		config.NextProtos = []string{"http/1.1"}
		l = tls.NewListener(l, config)
	}
	err := h.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	s.stop()
	return fmt.Errorf("emulator: %w", err)
}

// shutdown ends a server whose requests have been canceled, connections that have not sent one yet included.
func shutdown(h *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	if err := h.Shutdown(ctx); err == nil || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return h.Close()
}

// stop begins to stop.
func (s *Server) stop() { s.stopOnce.Do(func() { close(s.stopping) }) }

// Close stops the server, cuts off media that is being sent, and waits until nothing runs any more. It may be called
// again, and without Start.
func (s *Server) Close() error {
	s.stop()
	s.mu.Lock()
	started := s.started
	s.mu.Unlock()
	if !started {
		return s.release()
	}
	return errors.Join(s.Wait(), s.release())
}

// Wait waits until a started server has stopped, and says why if it was neither for Close nor for the end of its
// context.
func (s *Server) Wait() error {
	<-s.stopped
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// warnExposed says loudly who can reach a listener that is not for this machine alone.
func (s *Server) warnExposed(what string, addr net.Addr) {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || tcp.IP.IsLoopback() {
		return
	}
	s.log.Warn("EXPOSED: the emulator is not on loopback. Whoever reaches it over the network can read, add and delete all of its "+
		"footage, and make it fail; credentials guard all but /_emulator/",
		"api", what, "address", addr.String(), "encrypted", s.options.TLS != nil)
}
