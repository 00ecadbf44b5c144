package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"clipfs/clip/archive"
	"clipfs/fs/tree"
)

const (
	// openTries is how often a file that changes while it is opened is looked for again.
	openTries = 3
	// stretch is how much is handed on at once from the disk, without taking it into memory.
	stretch = 16 << 20
)

// tag is the ETag of a file.
func tag(f *tree.File) string { return `"` + f.Version + `"` }

// file answers with a file, or a range of it.
func (s *face) file(w http.ResponseWriter, r *http.Request, at string, f *tree.File) error {
	if r.Header.Get("If-Match") == "" && r.Header.Get("If-Unmodified-Since") == "" && has(r.Header.Values("If-None-Match"), tag(f)) { // known without opening it
		w.Header().Set("Etag", tag(f))
		cacheFor(w.Header(), f.ValidUntil)
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	begun := time.Now()
	content, f, err := s.open(r, at, f)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	header := w.Header()
	header.Set("Etag", tag(f))
	header.Set("Content-Type", f.ContentType)
	header.Set("Accept-Ranges", "bytes")
	cacheFor(header, f.ValidUntil)
	settleRange(r, content.Size())
	late := &lateWriter{ResponseWriter: w, buffers: s.buffers, first: func() { s.observer.FirstByte(time.Since(begun)) }}
	body := &reading{ctx: r.Context(), content: content, observer: s.observer}
	if r.TLS == nil { // what is encrypted has to be in memory
		body.disk, _ = content.(tree.OnDisk)
	}
	http.ServeContent(late, r, "", f.Time, body)
	switch late.status {
	case http.StatusRequestedRangeNotSatisfiable:
		refuse(w, r, late.status, fmt.Sprintf("the file has %d bytes, and none of those that were asked for", content.Size()))
		return nil
	case http.StatusPreconditionFailed:
		refuse(w, r, late.status, "the file is not, or no longer, the one that was asked for")
		return nil
	}
	return late.end(body.err)
}

// open opens a file, or what it is by then, and gives which that is.
func (s *face) open(r *http.Request, at string, f *tree.File) (tree.Reader, *tree.File, error) {
	if _, exact := f.Size(); !exact {
		leave, err := s.gate.enter(client(r))
		if err != nil {
			return nil, nil, err
		}
		defer leave()
	}
	for try := 1; ; try++ {
		content, err := f.Open(r.Context())
		if err == nil || !errors.Is(err, archive.ErrChanged) || try == openTries {
			return content, f, err
		}
		again, _, err := s.tree.Walk(r.Context(), at)
		if err != nil {
			return nil, nil, err
		}
		var ok bool
		if f, ok = again.(*tree.File); !ok {
			return nil, nil, archive.ErrChanged
		}
	}
}

// has tells whether a list of tags has one (RFC 9110 13.1.2). A weak one is as good.
func has(lists []string, tag string) bool {
	for _, list := range lists {
		for one := range strings.SplitSeq(list, ",") {
			one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
			if one == tag || one == "*" {
				return true
			}
		}
	}
	return false
}

// reading is an open file as http.ServeContent wants it.
type reading struct {
	ctx     context.Context //nolint:containedctx // io.Reader has no place for it, and this lives as long as its request
	content tree.Reader
	// disk is content where it may be handed on from the disk; else nil.
	disk     tree.OnDisk
	observer Observer
	at       int64
	// err is why a read failed.
	err error
}

// Seek implements io.Seeker.
func (f *reading) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += f.content.Size()
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek to %d: %w", offset, archive.ErrInvalid)
	}
	f.at = offset
	return offset, nil
}

// Read implements io.Reader.
func (f *reading) Read(p []byte) (int, error) {
	begun := time.Now()
	n, err := f.content.ReadAt(f.ctx, p, f.at)
	f.at += int64(n)
	if n > 0 {
		f.observer.Read(n, time.Since(begun))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// handOn hands some of the n bytes that come next on to an answer as they are on the disk. It gives 0 where they are to be read.
func (f *reading) handOn(to io.ReaderFrom, n int64) (sent int64, err error) {
	if f.disk == nil {
		return 0, nil
	}
	file, at, length := f.disk.OnDisk(f.at, min(n, stretch))
	if length <= 0 {
		return 0, nil
	}
	begun := time.Now()
	e := &extent{file: file, at: at, left: length}
	sent, err = to.ReadFrom(e)
	f.at += sent
	f.observer.Read(int(sent), time.Since(begun))
	if e.failed {
		f.disk, err = nil, nil // a read tells why
	}
	return sent, err
}

// lateWriter sends the status with the first bytes of the body, so that there can be another one until then.
type lateWriter struct {
	http.ResponseWriter
	// status is that of an answer whose body has not begun.
	status int
	sent   bool
	// first is called when there are bytes.
	first   func()
	buffers *buffers
}

// WriteHeader implements http.ResponseWriter.
func (w *lateWriter) WriteHeader(status int) { w.status = status }

// Write implements io.Writer.
func (w *lateWriter) Write(p []byte) (int, error) {
	if w.status == http.StatusRequestedRangeNotSatisfiable {
		return len(p), nil // there is a sentence of ours for it
	}
	w.send()
	return w.ResponseWriter.Write(p)
}

func (w *lateWriter) send() {
	if w.sent {
		return
	}
	w.sent = true
	if w.status != 0 {
		w.ResponseWriter.WriteHeader(w.status)
	}
	w.first()
}

// ReadFrom implements io.ReaderFrom: from the disk where the bytes are there, else with fewer and larger reads than io.Copy has.
func (w *lateWriter) ReadFrom(r io.Reader) (total int64, err error) {
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		return w.copyFrom(r)
	}
	body, ok := limited.R.(*reading)
	if !ok {
		return w.copyFrom(r)
	}
	for limited.N > 0 {
		n, err := body.handOn(late{w}, limited.N)
		if n == 0 && err == nil {
			n, err = w.copyFrom(io.LimitReader(body, min(limited.N, largeBuffer)))
		}
		total, limited.N = total+n, limited.N-n
		if err != nil || n == 0 {
			return total, err
		}
	}
	return total, nil
}

// copyFrom sends what a reader gives, by memory.
func (w *lateWriter) copyFrom(r io.Reader) (total int64, err error) {
	buffer := w.buffers.take()
	defer w.buffers.give(buffer)
	for {
		n, err := r.Read(buffer)
		if err != nil && !errors.Is(err, io.EOF) && !w.sent {
			return 0, err // there can be another status still
		}
		if n > 0 {
			k, err := w.Write(buffer[:n])
			total += int64(k)
			if err != nil {
				return total, err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return total, nil
		case err != nil:
			return total, err
		}
	}
}

// late sends the status before what is handed on from the disk.
type late struct{ *lateWriter }

// ReadFrom implements io.ReaderFrom.
func (w late) ReadFrom(r io.Reader) (int64, error) {
	to, ok := w.ResponseWriter.(io.ReaderFrom)
	if !ok {
		return w.copyFrom(r)
	}
	w.send()
	return to.ReadFrom(r)
}

// end sends what has no body, and gives why there is none. Where a body has begun that did not come to its end the
// connection ends too, so that its client sees that something is missing.
func (w *lateWriter) end(err error) error {
	switch {
	case err == nil:
		w.send()
		return nil
	case w.sent:
		return &cutError{err}
	}
	return err
}

// cutError says that an answer could not be brought to its end.
type cutError struct{ cause error }

// Error implements error.
func (e *cutError) Error() string { return "answer cut off: " + e.cause.Error() }

// Unwrap gives the cause.
func (e *cutError) Unwrap() error { return e.cause }
