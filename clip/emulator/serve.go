package emulator

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"clipfs/clip/emulator/fault"
)

// maxBody is the largest request body, in bytes: far above the largest that a valid request has, 50 tags.
const maxBody = 1 << 20

// handler serves operations and answers everything else as a wrong host does.
func (s *Server) handler(ops map[API]operation, p pace) http.Handler {
	byPath := make(map[string]http.Handler, len(ops))
	for api, op := range ops {
		byPath[api.path()] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.serve(api, op, p, w, r)
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := byPath[r.URL.Path]
		if h == nil || r.Method != http.MethodPost {
			s.log.Debug("no such operation here", "method", r.Method, "path", r.URL.Path)
			writeWrongHost(w)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// serve takes one request through all its steps.
func (s *Server) serve(api API, op operation, p pace, w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	c := &call{r: r, now: time.Now()}
	a, err := s.run(ctx, api, op, c)
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
		w.Header().Set("Date", c.now.UTC().Format(http.TimeFormat))
	}
	if err := p.wait(ctx); err != nil {
		panic(http.ErrAbortHandler)
	}
	counted := &countingWriter{ResponseWriter: w, add: func(n int) {
		s.calls.add(CallCount{API: api, Stream: c.stream, Bytes: int64(n)})
	}}
	if err := a.write(ctx, p.writer(ctx, counted)); err != nil {
		s.log.Debug("answer cut off", "api", api, "stream", c.stream, "err", err)
		// Returning would end a chunked body as if it were whole.
		panic(http.ErrAbortHandler)
	}
}

// run reads the body, checks the signature and runs the operation, unless a fault comes before.
func (s *Server) run(ctx context.Context, api API, op operation, c *call) (answer, error) {
	var err error
	// Without the ResponseWriter MaxBytesReader does not close the connection; the answer below does not need that.
	c.body, err = io.ReadAll(http.MaxBytesReader(nil, c.r.Body, maxBody))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, refuse(errTooLarge, "The request body is larger than %d bytes.", maxBody)
		}
		return nil, refuse(errSerialization, "The request body could not be read: %v", err)
	}
	ref := c.named()
	s.meet(api, c, ref)
	if err := c.before(); err != nil {
		return nil, err
	}
	if err := s.credentials.authorize(c.r, c.body, c.now); err != nil {
		return nil, err
	}
	if err := c.refuse(api, ref); err != nil {
		return nil, err
	}
	return op(ctx, c)
}

// refusal turns an error into an answer.
func (s *Server) refusal(api API, p pace, err error) answer {
	var suffix string
	if p.data {
		suffix = errorNamespace
	}
	var bare *statusError
	if errors.As(err, &bare) {
		return bare.answer(suffix)
	}
	var known *apiError
	if !errors.As(err, &known) {
		if !errors.Is(err, context.Canceled) {
			s.log.Error("call failed", "api", api, "err", err)
		}
		known = &apiError{kind: errInternal, message: "The request processing has failed because of an unknown error."}
	}
	return jsonAnswer{status: known.kind.status(), errorType: string(known.kind) + suffix, value: errorBody{Message: known.message}}
}

// count counts a call and what came of it.
func (s *Server) count(api API, c *call, err error) {
	n := CallCount{API: api, Stream: c.stream, Calls: 1, Fragments: int64(c.fragments)}
	var known *apiError
	var bare *statusError
	switch {
	case errors.As(err, &bare) && bare.status == http.StatusTooManyRequests:
		n.Throttled = 1
	case errors.As(err, &known) && (known.kind == errClientLimit || known.kind == errConnectionLimit):
		n.Throttled = 1
	case err != nil:
		n.Errors = 1
	}
	s.calls.add(n)
}

// jsonAnswer is an answer whose body is one JSON value.
type jsonAnswer struct {
	// status is 200 if it is 0.
	status int
	// errorType is the x-amzn-ErrorType of an error.
	errorType string
	value     any
}

// reply answers with a value.
func reply(value any) (answer, error) { return jsonAnswer{value: value}, nil }

func (a jsonAnswer) write(_ context.Context, w http.ResponseWriter) error {
	b, err := json.Marshal(a.value)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	if a.errorType != "" {
		w.Header().Set("x-amzn-ErrorType", a.errorType)
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, err = w.Write(b)
	return err
}

func (a jsonAnswer) size() int64 {
	b, err := json.Marshal(a.value)
	if err != nil {
		return 0 // write tells
	}
	return int64(len(b))
}

func (jsonAnswer) Close() error { return nil }

// countingWriter tells how many bytes were written. It tells before it writes, so that a client that has all of an
// answer finds it counted, and takes back what could not be written.
type countingWriter struct {
	http.ResponseWriter
	add func(n int)
}

func (w *countingWriter) Write(b []byte) (int, error) {
	w.add(len(b))
	n, err := w.ResponseWriter.Write(b)
	if n < len(b) {
		w.add(n - len(b))
	}
	return n, err
}

// Unwrap gives http.ResponseController what is below.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// requestID makes an identifier as the service does.
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // It never fails (crypto/rand).
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
