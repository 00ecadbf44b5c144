package emulator

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"clipfs/clip/emulator/fault"
)

// spoil gives the answer that a fault makes of one.
func (s *Server) spoil(ctx context.Context, c *call, a answer) answer {
	if !c.faulty {
		return a
	}
	switch c.fault.Kind {
	case fault.Reset, fault.Close, fault.Stall, fault.Drip:
		return &brokenAnswer{answer: a, rule: c.fault}
	case fault.Length, fault.Garbage, fault.HTML, fault.Truncate, fault.Lie, fault.Differ:
		whole, err := capture(ctx, a)
		if err == nil {
			err = whole.change(c.fault)
		}
		if err != nil {
			s.log.Error("fault does not fit the answer", "fault", c.fault, "err", err)
		}
		return whole
	}
	return a
}

// sized is an answer that knows how long its body is.
type sized interface{ size() int64 }

// brokenAnswer is one whose connection fails, or nearly so.
type brokenAnswer struct {
	answer
	rule fault.Rule
}

func (a *brokenAnswer) write(ctx context.Context, w http.ResponseWriter) error {
	if a.rule.At.IsSet() || a.rule.Kind == fault.Drip {
		var size int64
		if s, ok := a.answer.(sized); ok {
			size = s.size()
		}
		broken := fault.NewWriter(ctx, w, a.rule, rawConn(ctx), size)
		if err := a.answer.write(ctx, broken); err != nil {
			return err
		}
		return broken.Finish()
	}
	if a.rule.Kind != fault.Stall {
		fault.Cut(a.rule, rawConn(ctx))
		return fault.ErrCut
	}
	if err := fault.Wait(ctx, a.rule); err != nil {
		return err
	}
	return a.answer.write(ctx, w)
}

// bytesAnswer is an answer whose body is whole in memory.
type bytesAnswer struct {
	status      int
	contentType string
	header      http.Header
	body        []byte
	// off is by how much Content-Length is wrong; chunked leaves it out.
	off     int64
	chunked bool
}

// capture writes an answer into memory.
func capture(ctx context.Context, a answer) (*bytesAnswer, error) {
	r := &recorder{header: make(http.Header)}
	err := errors.Join(a.write(ctx, r), a.Close())
	out := &bytesAnswer{status: r.status, contentType: r.header.Get("Content-Type"), header: r.header, body: r.body.Bytes(),
		chunked: r.header.Get("Content-Length") == ""}
	return out, err
}

// signInPage is what networks show to whom they do not know.
const signInPage = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n" +
	"<body><h1>Sign in to use this network</h1></body></html>\n"

// change does to an answer what a rule says.
func (a *bytesAnswer) change(r fault.Rule) error {
	switch r.Kind {
	case fault.Length:
		a.off, a.chunked = r.Bytes, false
	case fault.Garbage:
		_, _ = rand.Read(a.body) // It never fails (crypto/rand).
	case fault.HTML:
		a.status, a.contentType, a.body, a.chunked = http.StatusOK, "text/html; charset=utf-8", []byte(signInPage), false
		a.header.Del("x-amzn-ErrorType")
	case fault.Truncate:
		a.body = a.body[:r.At.Of(int64(len(a.body)))]
	case fault.Lie:
		return fault.Falsify(a.body, r.What)
	case fault.Differ:
		return fault.Alter(a.body, r.At)
	}
	return nil
}

func (a *bytesAnswer) write(_ context.Context, w http.ResponseWriter) error {
	for key, values := range a.header {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Type", a.contentType)
	w.Header().Set("Content-Length", strconv.FormatInt(max(0, int64(len(a.body))+a.off), 10))
	if a.chunked {
		w.Header().Del("Content-Length")
	}
	if a.off < 0 {
		return a.writeRaw(w)
	}
	w.WriteHeader(a.status)
	if a.chunked {
		// A short body would otherwise be given its length by net/http.
		if err := http.NewResponseController(w).Flush(); err != nil {
			return err
		}
	}
	_, err := w.Write(a.body)
	return err
}

// writeRaw writes more than Content-Length says, which net/http does not.
func (a *bytesAnswer) writeRaw(w http.ResponseWriter) error {
	header := w.Header().Clone()
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	_, err = fmt.Fprintf(buffered, "HTTP/1.1 %d %s\r\n", a.status, http.StatusText(a.status))
	err = errors.Join(err, header.Write(buffered))
	_, werr := buffered.WriteString("\r\n" + string(a.body))
	return errors.Join(err, werr, buffered.Flush(), conn.Close())
}

func (a *bytesAnswer) size() int64 { return int64(len(a.body)) }

func (*bytesAnswer) Close() error { return nil }

// recorder is a ResponseWriter into memory.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) { r.status = status }

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.body.Write(b)
}

// Flush implements http.Flusher: there is nobody to be kept waiting.
func (r *recorder) Flush() {}
