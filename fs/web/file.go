package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"clipfs/clip/archive"
	"clipfs/fs/tree"
)

const (
	// openTries is how often a file that changes while it is opened is looked for again.
	openTries = 3
	// maxRanges is how many ranges a request may ask for; with more it gets the whole.
	maxRanges = 16
	// chunk is how much is read and written at once. A client that takes none of it for stalledFor is gone.
	chunk      = 512 << 10
	stalledFor = 2 * time.Minute
)

// tag is the ETag of a file.
func tag(f *tree.File) string { return `"` + f.Version + `"` }

// file answers with a file, or a range of it.
func (s *face) file(w http.ResponseWriter, r *http.Request, at string, f *tree.File) error {
	if has(r.Header.Values("If-None-Match"), tag(f)) { // known without opening it
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
	if strings.Count(strings.Join(r.Header.Values("Range"), ","), ",") >= maxRanges {
		r.Header.Del("Range")
	}
	late := &lateWriter{ResponseWriter: w, buffers: &s.buffers, control: http.NewResponseController(w), first: func() { s.observer.FirstByte(time.Since(begun)) }}
	body := &reading{ctx: r.Context(), content: content.Reader, observer: s.observer}
	http.ServeContent(late, r, "", f.Time, body)
	return late.end(body.err)
}

// open opens a file, or what it is by then, and gives which that is.
func (s *face) open(r *http.Request, at string, f *tree.File) (tree.Content, *tree.File, error) {
	if _, exact := f.Size(); !exact {
		leave, err := s.gate.enter(client(r))
		if err != nil {
			return tree.Content{}, nil, err
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
			return tree.Content{}, nil, err
		}
		var ok bool
		if f, ok = again.(*tree.File); !ok {
			return tree.Content{}, nil, archive.ErrChanged
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
	ctx      context.Context //nolint:containedctx // io.Reader has no place for it, and this lives as long as its request
	content  tree.Reader
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

// lateWriter sends the status with the first bytes of the body, so that there can be another one until then.
type lateWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	// status is that of an answer whose body has not begun.
	status int
	sent   bool
	// first is called when there are bytes.
	first   func()
	buffers *sync.Pool
}

// WriteHeader implements http.ResponseWriter.
func (w *lateWriter) WriteHeader(status int) { w.status = status }

// Write implements io.Writer.
func (w *lateWriter) Write(p []byte) (int, error) {
	w.send()
	if err := w.control.SetWriteDeadline(time.Now().Add(stalledFor)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
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

// ReadFrom implements io.ReaderFrom, with fewer and larger reads than io.Copy has.
func (w *lateWriter) ReadFrom(r io.Reader) (total int64, err error) {
	buffer, _ := w.buffers.Get().(*[chunk]byte)
	defer w.buffers.Put(buffer)
	for {
		n, err := r.Read(buffer[:])
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
