package emulator

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"

	"clipfs/clip/emulator/fault"
	"clipfs/clip/emulator/wire"
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
			err = change(whole, c.fault)
		}
		if err != nil {
			s.log.Error("fault does not fit the answer", "fault", c.fault, "err", err)
		}
		return whole
	}
	return a
}

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
		broken := fault.NewWriter(ctx, w, a.rule, wire.RawConn(ctx), size)
		if err := a.answer.write(ctx, broken); err != nil {
			return err
		}
		return broken.Finish()
	}
	if a.rule.Kind != fault.Stall {
		fault.Cut(a.rule, wire.RawConn(ctx))
		return fault.ErrCut
	}
	if err := fault.Wait(ctx, a.rule); err != nil {
		return err
	}
	return a.answer.write(ctx, w)
}

// capture writes an answer into memory.
func capture(ctx context.Context, a answer) (*bytesAnswer, error) {
	if m, ok := a.(*mediaAnswer); ok {
		m.follow = false // what is there now is all
	}
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
func change(a *bytesAnswer, r fault.Rule) error {
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
