package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"

	"clipfs/clip/emulator/wire"
)

// answer is what an operation gives back: it knows how to write itself. Close comes after write, or instead of it.
type answer interface {
	// write writes headers and body. An error means that the connection has to be cut.
	write(ctx context.Context, w http.ResponseWriter) error
	Close() error
}

// sized is an answer that knows how long its body is.
type sized interface{ size() int64 }

// jsonAnswer is an answer whose body is one JSON value.
type jsonAnswer struct {
	// status is 200 if it is 0.
	status int
	// errorType is the x-amzn-ErrorType of an error.
	errorType string
	value     any
}

// errorAnswer is the answer to a call that failed; suffix follows the name of the error in its header.
func errorAnswer(kind wire.Kind, message, suffix string) answer {
	return jsonAnswer{status: kind.Status(), errorType: string(kind) + suffix, value: wire.ErrorBody{Message: message}}
}

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

func (a *bytesAnswer) write(_ context.Context, w http.ResponseWriter) error {
	maps.Copy(w.Header(), a.header)
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

// statusError is an answer that says no more than its status.
type statusError struct{ status int }

func (e *statusError) Error() string { return http.StatusText(e.status) }

// answer gives it as the service does, or as who stands before it.
func (e *statusError) answer(suffix string) answer {
	switch e.status {
	case http.StatusInternalServerError:
		return errorAnswer(wire.InternalFailure, "Internal failure.", suffix)
	case http.StatusServiceUnavailable:
		return errorAnswer(wire.Unavailable, "Service is unavailable.", suffix)
	}
	return &bytesAnswer{status: e.status, contentType: "text/plain", body: []byte(http.StatusText(e.status) + "\n")}
}

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
