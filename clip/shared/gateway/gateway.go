// Package gateway is an object store for tests: Versity S3 Gateway or MinIO, in a process of its own, behind a proxy of this process
// that counts requests and makes the faults that a store does not make on demand.
package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// readyAfter is how long the program may take to answer, stopAfter how long to end.
	readyAfter, stopAfter = 60 * time.Second, 30 * time.Second

	// Name is the bucket that there is.
	Name = "footage"
	// AccessKey is that of its only user.
	AccessKey = "test"
	// SecretKey is its secret.
	SecretKey = "test-secret"
	// Region is where it says that it is.
	Region = "us-east-1"
)

// Gateway is the store. It is safe for concurrent use.
type Gateway struct {
	// URL is where it is.
	URL   string
	proxy *httptest.Server

	// mu guards the rest.
	mu     sync.Mutex
	fault  Fault
	counts map[string]int
	log    bytes.Buffer
}

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
	p, err := named(os.Getenv(StoreVariable))
	if err != nil {
		t.Fatal(err)
	}
	if p.path == "" {
		if os.Getenv("CLIPFS_REQUIRE_ALL") == "1" {
			t.Fatalf("%s is not installed: %s builds it", p.name, p.builtBy)
		}
		t.Skipf("%s is not installed: %s builds it", p.name, p.builtBy)
	}
	g := &Gateway{counts: make(map[string]int)}
	dir, err := os.MkdirTemp("", "store") // a socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cmd, at, err := p.command(dir)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = g, g
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has nothing to lose
		select {
		case <-ended:
		case <-time.After(stopAfter):
			t.Error("the store has not ended")
		}
	})
	g.serve(t, at)
	g.await(t, ended)
	return g
}

// Write keeps what the program says.
func (g *Gateway) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.log.Write(p)
}

// serve puts the proxy before an address.
func (g *Gateway) serve(t testing.TB, at net.Addr) {
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, at.Network(), at.String())
	}}
	behind := &httputil.ReverseProxy{
		Transport: transport,
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
	t.Cleanup(func() {
		g.Set(nil)
		g.proxy.CloseClientConnections()
		g.proxy.Close()
		transport.CloseIdleConnections()
	})
}

// await waits until the store answers.
func (g *Gateway) await(t testing.TB, ended <-chan struct{}) {
	t.Helper()
	defer g.reset()
	for deadline := time.Now().Add(readyAfter); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := g.proxy.Client().Do(request)
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode < http.StatusInternalServerError { // one that is not ready yet says so
				return
			}
		}
		select {
		case <-ended:
			t.Fatalf("the store has ended:\n%s", g.Log())
		default:
		}
	}
	t.Fatalf("the store does not answer:\n%s", g.Log())
}

// reset forgets the requests so far.
func (g *Gateway) reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.counts)
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
