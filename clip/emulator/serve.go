package emulator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"clipfs/clip/emulator/counts"
	"clipfs/clip/emulator/fault"
	"clipfs/clip/emulator/wire"
)

// maxBody is the largest request body, in bytes: far above the largest that a valid request has, 50 tags.
const maxBody = 1 << 20

// handler serves the operations of some hosts: those that are there, and of the rest says that they are not. It answers
// everything else as a wrong host does.
func (s *Server) handler(there map[wire.API]operation, p wire.Pace, hosts ...wire.Host) http.Handler {
	byPath := make(map[string]http.Handler)
	for _, o := range s.model {
		if !slices.Contains(hosts, o.Host) {
			continue
		}
		run := there[o.API]
		if run == nil {
			run = s.lacking(o.API)
		}
		byPath[o.Path] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.serve(&call{r: r, operation: o, now: s.clock.Now(), received: time.Now()}, run, p, w)
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := byPath[r.URL.Path]
		if h == nil || r.Method != http.MethodPost {
			s.log.Debug("no such operation here", "method", r.Method, "path", r.URL.Path)
			wire.WriteWrongHost(w)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// serve takes one request through all its steps.
func (s *Server) serve(c *call, op operation, p wire.Pace, w http.ResponseWriter) {
	s.answer(c, p, w, func(ctx context.Context) (answer, error) { return s.run(ctx, c.operation.API, op, c) })
}

// answer writes what a call comes to, and counts it.
func (s *Server) answer(c *call, p wire.Pace, w http.ResponseWriter, run func(context.Context) (answer, error)) {
	ctx, api := c.r.Context(), c.operation.API
	a, err := run(ctx)
	if err != nil {
		a = s.refusal(api, p, err)
	}
	a = s.spoil(ctx, c, a)
	defer func() {
		if err := a.Close(); err != nil {
			s.log.Warn("answer not cleaned up", "api", api, "stream", c.stream, "err", err)
		}
	}()
	s.count(api, c, err)
	s.log.Debug("call", "api", api, "stream", c.stream, "fragments", c.fragments, "err", err)
	w.Header().Set("x-amzn-RequestId", requestID())
	if c.has(fault.Skew) {
		w.Header().Set("Date", c.received.UTC().Format(http.TimeFormat))
	}
	if err := p.Wait(ctx); err != nil {
		panic(http.ErrAbortHandler)
	}
	conn, _ := wire.RawConn(ctx).(*counts.Conn)
	if conn != nil {
		conn.Begin(CallCount{API: api, Stream: c.stream})
	}
	counted := &countingWriter{ResponseWriter: w, add: func(n int) {
		if conn == nil || conn.Add(n) {
			s.calls.Add(CallCount{API: api, Stream: c.stream, Bytes: int64(n)})
		}
	}}
	if err := a.write(ctx, p.Writer(ctx, counted)); err != nil {
		s.log.Debug("answer cut off", "api", api, "stream", c.stream, "err", err)
		// Returning would end a chunked body as if it were whole.
		panic(http.ErrAbortHandler)
	}
}

// run reads the body, checks the signature and runs the operation, unless a fault comes before.
func (s *Server) run(ctx context.Context, api wire.API, op operation, c *call) (answer, error) {
	var err error
	// Without the ResponseWriter MaxBytesReader does not close the connection; the answer below does not need that.
	c.body, err = io.ReadAll(http.MaxBytesReader(nil, c.r.Body, maxBody))
	if err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return nil, wire.Refuse(wire.TooLarge, "The request body is larger than %d bytes.", maxBody)
		}
		return nil, wire.Refuse(wire.Serialization, "The request body could not be read.")
	}
	c.owner = s.owner(c.r)
	ref := c.named()
	s.meet(api, c, ref)
	if err := c.before(); err != nil {
		return nil, err
	}
	if err := s.credentials.Authorize(c.r, c.body, c.received); err != nil {
		return nil, err
	}
	if err := c.refuse(api, ref); err != nil {
		return nil, err
	}
	return op(ctx, c)
}

// refusal turns an error into an answer.
func (s *Server) refusal(api wire.API, p wire.Pace, err error) answer {
	var suffix string
	if p.Data {
		suffix = wire.Namespace
	}
	if bare, ok := errors.AsType[*statusError](err); ok {
		return bare.answer(suffix)
	}
	var known *wire.Error
	if !errors.As(err, &known) {
		if !errors.Is(err, context.Canceled) {
			s.log.Error("call failed", "api", api, "err", err)
		}
		known = &wire.Error{Kind: wire.InternalFailure, Message: "The request processing has failed because of an unknown error."}
	}
	return errorAnswer(known.Kind, known.Message, suffix)
}

// count counts a call and what came of it.
func (s *Server) count(api wire.API, c *call, err error) {
	n := CallCount{API: api, Stream: c.stream, Calls: 1, Fragments: int64(c.fragments)}
	var known *wire.Error
	var bare *statusError
	switch {
	case errors.As(err, &bare) && bare.status == http.StatusTooManyRequests:
		n.Throttled = 1
	case errors.As(err, &known) && (known.Kind == wire.ClientLimit || known.Kind == wire.ConnectionLimit):
		n.Throttled = 1
	case err != nil:
		n.Errors = 1
	}
	s.calls.Add(n)
}

// requestID makes an identifier as the service does.
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // It never fails (crypto/rand).
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
