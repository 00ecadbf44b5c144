package web

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"clipfs/clip/archive"
	"clipfs/fs/tree"
)

// DefaultOpens is how many files are opened at once for a client address.
const DefaultOpens = 32

// Options are the settings of a Handler. The zero value works, and answers to names of this machine only.
type Options struct {
	// Logger takes what is worth telling; nil discards it.
	Logger *slog.Logger
	// Observer counts what is answered; nil does not.
	Observer Observer
	// Hosts are the names that requests may be for, beside localhost and addresses.
	Hosts []string
	// BasePath comes before all paths, behind a proxy: "/cameras". It does not end with a slash.
	BasePath string
	// Passwords is an htpasswd file with bcrypt; without one everybody may read.
	Passwords string
	// CORS is the origin whose pages may read, * for all; empty for none.
	CORS string
	// Opens is how many files are opened at once for a client address; 0 means DefaultOpens.
	Opens int
	// ExactSizes has WebDAV listings wait for exact sizes, which costs what opening each file costs.
	ExactSizes bool
	// WarnBytes is from how many bytes on pages say what saving a span will fetch; 0 means any.
	WarnBytes int64
	// NoStills has pages show no stills.
	NoStills bool
}

// Handler answers requests with what is in a tree. It is safe for concurrent use.
type Handler struct {
	guard  guard
	face   face
	logger *slog.Logger
	// last numbers the requests.
	last atomic.Uint64
}

// New gives the HTTP face of a tree. It fails where the file of passwords cannot be read.
func New(t *tree.Tree, o Options) (*Handler, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	pages, err := readPages(o)
	if err != nil {
		return nil, err
	}
	h := &Handler{
		guard: guard{hosts: o.Hosts, origin: o.CORS, logger: o.Logger},
		face: face{
			tree: t, base: o.BasePath, observer: o.Observer, gate: newGate(cmp.Or(o.Opens, DefaultOpens)), pages: pages, exact: o.ExactSizes,
			buffers: newBuffers(),
		},
		logger: o.Logger,
	}
	if o.Passwords != "" {
		if h.guard.passwords, err = readPasswords(o.Passwords); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	op := archive.Operation{ID: h.last.Add(1), Command: client(r), Brief: r.Method == methodPropfind}
	r = r.WithContext(archive.WithOperation(r.Context(), op))
	answer := &answered{ResponseWriter: w, control: http.NewResponseController(w)}
	defer answer.extend() // for what net/http has not sent yet
	var err error
	if h.guard.admit(answer, r) {
		err = h.face.route(answer, r)
	}
	var cut *cutError
	if err != nil && !errors.As(err, &cut) && r.Context().Err() == nil {
		row := status(err)
		if row.after > 0 {
			answer.Header().Set("Retry-After", strconv.Itoa(row.after))
		}
		refuse(answer, r, row.status, sentence(row, err))
	}
	if r.Context().Err() != nil && answer.status == 0 {
		answer.status = statusClientGone
	}
	h.told(r, answer, begun, err)
	if cut != nil || answer.status == statusClientGone {
		panic(http.ErrAbortHandler) // net/http then ends the connection, and logs nothing
	}
}

// told counts and logs a request that was answered.
func (h *Handler) told(r *http.Request, answer *answered, begun time.Time, err error) {
	h.face.observer.Answered(r.Method, answer.status)
	level := slog.LevelDebug
	if answer.status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	switch {
	case r.Context().Err() != nil:
		level = slog.LevelDebug
	case errors.As(err, new(*cutError)):
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", answer.status), slog.Int64("bytes", answer.bytes),
		slog.String("client", client(r)), slog.Duration("took", time.Since(begun)),
	}
	if err != nil {
		attrs = append(attrs, slog.Any("cause", err))
	}
	h.logger.LogAttrs(context.WithoutCancel(r.Context()), level, "request", attrs...)
}

// answered is what was sent of an answer.
type answered struct {
	http.ResponseWriter
	control *http.ResponseController
	status  int
	bytes   int64
}

// extend gives the client some time to take what is sent next.
func (a *answered) extend() {
	_ = a.control.SetWriteDeadline(time.Now().Add(stalledFor)) // tests record answers without one
}

// WriteHeader implements http.ResponseWriter.
func (a *answered) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (a *answered) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	a.extend()
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}

// ReadFrom implements io.ReaderFrom, so that a connection can take bytes from the disk.
func (a *answered) ReadFrom(r io.Reader) (n int64, err error) {
	to, ok := a.ResponseWriter.(io.ReaderFrom)
	if !ok {
		return io.Copy(struct{ io.Writer }{a}, r)
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	a.extend()
	n, err = to.ReadFrom(r)
	a.bytes += n
	return n, err
}

// Unwrap is for http.ResponseController.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }
