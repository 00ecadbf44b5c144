package emulator

import (
	"context"
	"net/http"
	"time"

	"clipfs/clip/emulator/putmedia"
	"clipfs/clip/emulator/wire"
)

// withPutMedia adds PutMedia to the operations of the data listener. It is none of them: its body is not read before its
// answer begins.
func (s *Server) withPutMedia(others http.Handler, p wire.Pace) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == wire.PutMedia.Path() {
			s.putMedia(p, w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
}

// putMedia takes media in for as long as it comes, and tells meanwhile what became of it.
func (s *Server) putMedia(p wire.Pace, w http.ResponseWriter, r *http.Request) {
	ctx, cancel := s.untilStopped(r.Context())
	defer cancel()
	c := &call{r: r, now: s.clock.Now(), received: time.Now()}
	c.owner = s.owner(r)
	control := http.NewResponseController(w)
	// HTTP/1.0 cannot answer while it listens; its producers get all answers at the end.
	_ = control.EnableFullDuplex()
	in := putmedia.NewIntake(ctx, r.Body, control, c.received)
	defer in.Linger()

	session, err := s.openPut(ctx, c)
	if err == nil {
		defer session.Release()
	}
	s.count(wire.PutMedia, c, err)
	s.log.Debug("call", "api", wire.PutMedia, "stream", c.stream, "err", err)
	w.Header().Set("x-amzn-RequestId", requestID())
	if p.Wait(ctx) != nil {
		panic(http.ErrAbortHandler)
	}
	counted := &countingWriter{ResponseWriter: w, add: func(n int) {
		s.calls.Add(CallCount{API: wire.PutMedia, Stream: c.stream, Bytes: int64(n)})
	}}
	if err != nil {
		w.Header().Set("Connection", "close")
		if err := s.refusal(wire.PutMedia, p, err).write(ctx, counted); err == nil {
			_ = control.Flush() // The client has gone away; nobody is left to be told.
		}
		return
	}
	fragments, err := session.Run(ctx, cancel, in, p.Writer(ctx, counted))
	s.log.Debug("media ended", "stream", c.stream, "fragments", fragments, "err", err)
}

// openPut checks the headers of a request and takes the stream's connection.
//
// The signature is over the headers; as the hash of the body both UNSIGNED-PAYLOAD and that of no body are taken: those
// are what producers sign.
func (s *Server) openPut(ctx context.Context, c *call) (*putmedia.Session, error) {
	ref := wire.StreamRef{StreamName: wire.StreamName(c.r.Header.Get("x-amzn-stream-name")), StreamARN: c.r.Header.Get("x-amzn-stream-arn")}
	if err := s.faultPut(ctx, c, ref); err != nil {
		return nil, err
	}
	if err := s.credentials.Authorize(c.r, nil, c.received); err != nil {
		return nil, err
	}
	order, err := putmedia.ReadOrder(c.r.Header)
	if err != nil {
		return nil, err
	}
	if err := ref.NotBoth(); err != nil {
		return nil, err
	}
	st, err := s.find(c, ref)
	if err != nil {
		return nil, err
	}
	if !st.Quota.Take(wire.PutMedia, c.now) {
		return nil, wire.Throttled(wire.PutMedia, string(st.Name))
	}
	release, err := st.Quota.Connect()
	if err != nil {
		return nil, err
	}
	return &putmedia.Session{Streams: s.streams, Log: s.log, Stream: st, Order: order, Now: s.clock.Now, Release: release,
		Strict: s.options.StrictAcks, Faults: c.putFaults(wire.RawConn(ctx)),
		Stored: func() { s.calls.Add(CallCount{API: wire.PutMedia, Stream: st.Name, Fragments: 1}) }}, nil
}

// untilStopped gives a context that ends with the server and not with the request: net/http ends that one when reading
// fails, and then there still is something to tell.
func (s *Server) untilStopped(request context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(request))
	go func() {
		select {
		case <-s.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
