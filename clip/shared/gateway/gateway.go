// Package gateway is an object store for tests: Versity S3 Gateway or MinIO, in a process of its own, behind a proxy of this process
// that counts requests and makes the faults that a store does not make on demand.
package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// readyAfter is how long the program may take to answer, stopAfter how long to end.
	readyAfter, stopAfter = 60 * time.Second, 30 * time.Second
)

// Gateway is the store. It is safe for concurrent use.
type Gateway struct {
	// URL is where it is.
	URL string
	// Plain says that it keeps each object in a file of its own, as it is: Versity S3 Gateway does, MinIO does not.
	Plain     bool
	dir       string
	proxy     *httptest.Server
	transport *http.Transport
	process   *os.Process
	// ended is closed when the process has.
	ended chan struct{}

	// mu guards the rest.
	mu     sync.Mutex
	fault  Fault
	counts map[string]int
	log    bytes.Buffer
}

// ErrMissing says that the program of the store is not installed.
var ErrMissing = errors.New("not installed")

// Fault is asked before a request is handed on, and reports whether it has answered it. ResponseBody may be set to change the
// body of the store's answer.
type Fault func(x *Exchange) (answered bool)

// Exchange is a request to the store.
type Exchange struct {
	http.ResponseWriter
	*http.Request
	// ResponseBody changes the body of the answer; nil leaves it.
	ResponseBody func(io.ReadCloser) io.ReadCloser
}

// exchangeKey is that of an *Exchange in the context of its request.
type exchangeKey struct{}

// Start starts a store with one empty bucket, and waits until it answers. It ends with the test. It is Versity S3 Gateway, or what
// StoreVariable names.
func Start(t testing.TB) *Gateway {
	t.Helper()
	g, err := Open(t.Context())
	if errors.Is(err, ErrMissing) && os.Getenv("CLIPFS_REQUIRE_ALL") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// Open is Start outside of tests; Close has to follow. ErrMissing where the store is not installed.
func Open(ctx context.Context) (_ *Gateway, err error) {
	p, err := named(os.Getenv(StoreVariable))
	if err != nil {
		return nil, err
	}
	if p.path == "" {
		return nil, fmt.Errorf("%s: %w; %s builds it", p.name, ErrMissing, p.builtBy)
	}
	g := &Gateway{Plain: p.name == versity, counts: make(map[string]int), ended: make(chan struct{})}
	if g.dir, err = os.MkdirTemp("", "store"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.Close())
		}
	}()
	cmd, at, err := p.command(g.dir)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = g, g
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	g.process = cmd.Process
	go func() {
		_ = cmd.Wait() // it is killed
		close(g.ended)
	}()
	g.serve(at)
	return g, g.await(ctx)
}

// Close ends it and removes all that it had.
func (g *Gateway) Close() (err error) {
	if g.proxy != nil {
		g.Set(nil)
		g.proxy.CloseClientConnections()
		g.proxy.Close()
		g.transport.CloseIdleConnections()
	}
	if g.process != nil {
		_ = g.process.Kill() // it has nothing to lose, and may have ended
		select {
		case <-g.ended:
		case <-time.After(stopAfter):
			err = errors.New("the store has not ended")
		}
	}
	return errors.Join(err, os.RemoveAll(g.dir))
}

// Place has the bucket of Versity S3 Gateway have the bytes of a file as an object of a name. It makes no request: they are copied to where
// the store keeps its objects.
func (g *Gateway) Place(object, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read from
	out, err := os.Create(filepath.Join(g.dir, "objects", Name, object))
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// Objects gives the names of all objects in the bucket of a store that is Plain. It makes no request.
func (g *Gateway) Objects() (names []string, err error) {
	err = g.each(func(name string, _ fs.DirEntry) error {
		names = append(names, name)
		return nil
	})
	return names, err
}

// Age has that bucket say of each object that it was written so much longer ago. It makes no request either.
func (g *Gateway) Age(by time.Duration) error {
	return g.each(func(name string, entry fs.DirEntry) error {
		info, err := entry.Info()
		if err != nil {
			return err
		}
		then := info.ModTime().Add(-by)
		return os.Chtimes(filepath.Join(g.dir, "objects", Name, name), then, then)
	})
}

// each calls do with each file in which the store keeps an object.
func (g *Gateway) each(do func(name string, entry fs.DirEntry) error) error {
	bucket := os.DirFS(filepath.Join(g.dir, "objects", Name))
	return fs.WalkDir(bucket, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		return do(name, entry)
	})
}

// Write keeps what the program says.
func (g *Gateway) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.log.Write(p)
}

// serve puts the proxy before an address.
func (g *Gateway) serve(at net.Addr) {
	g.transport = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, at.Network(), at.String())
	}}
	behind := &httputil.ReverseProxy{
		Transport: g.transport,
		Rewrite: func(r *httputil.ProxyRequest) { // the host stays: it is signed
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "store"
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(r *http.Response) error {
			if x, _ := r.Request.Context().Value(exchangeKey{}).(*Exchange); x != nil && x.ResponseBody != nil {
				r.Body = x.ResponseBody(r.Body)
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }, // the connection ends, as the store's does
	}
	g.proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &Exchange{ResponseWriter: w}
		x.Request = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
		g.mu.Lock()
		g.counts[r.Method]++
		fault := g.fault
		g.mu.Unlock()
		if fault != nil && fault(x) {
			return
		}
		behind.ServeHTTP(w, x.Request)
	}))
	g.URL = g.proxy.URL
}

// await waits until the store answers.
func (g *Gateway) await(ctx context.Context) error {
	defer g.Take()
	ctx, cancel := context.WithTimeout(ctx, readyAfter)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.URL+"/", nil)
		if err != nil {
			return err
		}
		answer, err := g.proxy.Client().Do(request)
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode < http.StatusInternalServerError { // one that is not ready yet says so
				return nil
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-g.ended:
			return fmt.Errorf("the store has ended:\n%s", g.Log())
		case <-ctx.Done():
			return fmt.Errorf("the store does not answer: %w\n%s", ctx.Err(), g.Log())
		}
	}
}

// Log is what the program has said.
func (g *Gateway) Log() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.log.String()
}

// Set makes something go wrong from now on; nil nothing.
func (g *Gateway) Set(f Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fault = f
}

// Take gives how many requests of each method there were since it was last called.
func (g *Gateway) Take() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	counts := g.counts
	g.counts = make(map[string]int)
	return counts
}

// Count gives how many requests of a method there were.
func (g *Gateway) Count(method string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.counts[method]
}

// Answer answers a request with an error as a store writes it.
func Answer(status int, code string) Fault {
	return func(x *Exchange) bool {
		x.ResponseWriter.Header().Set("Content-Type", "application/xml")
		x.WriteHeader(status)
		_, _ = fmt.Fprintf(x.ResponseWriter, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>on purpose</Message></Error>", code) // the caller may be gone
		return true
	}
}

// Hang answers no request until its caller leaves.
func Hang(x *Exchange) bool {
	<-x.Context().Done()
	panic(http.ErrAbortHandler)
}

// Reset ends the connection of a request.
func Reset(*Exchange) bool { panic(http.ErrAbortHandler) }

// StallAfter sends so many bytes of the body of an answer and then nothing, until the caller leaves.
func StallAfter(n int64) Fault {
	return func(x *Exchange) bool {
		x.ResponseBody = func(body io.ReadCloser) io.ReadCloser {
			return &stalled{ReadCloser: body, ctx: x.Context(), left: n}
		}
		return false
	}
}

// stalled is a body that stops.
type stalled struct {
	io.ReadCloser
	ctx  context.Context //nolint:containedctx // that of the request
	left int64
}

// Read implements io.Reader.
func (s *stalled) Read(p []byte) (int, error) {
	if s.left == 0 {
		<-s.ctx.Done()
		return 0, s.ctx.Err()
	}
	n, err := s.ReadCloser.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	return n, err
}

// Only has a fault hit requests of one method.
func Only(method string, f Fault) Fault {
	return func(x *Exchange) bool { return x.Method == method && f(x) }
}
