package emulator_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// object is a JSON object.
type object = map[string]any

// wires is a network inside the test: listeners by address, connections that are pipes. Time in a synctest bubble goes
// on only over such.
type wires struct {
	mu        sync.Mutex
	listeners map[string]*wireListener
}

// wireListener is a net.Listener of wires.
type wireListener struct {
	addr   *net.TCPAddr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *wireListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *wireListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *wireListener) Addr() net.Addr { return l.addr }

// Listen is what emulator.Options takes. Port 0 gets one.
func (w *wires) Listen(_ context.Context, _, address string) (net.Listener, error) {
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if addr.Port == 0 {
		addr.Port = 50_000 + len(w.listeners)
	}
	l := &wireListener{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
	if w.listeners == nil {
		w.listeners = make(map[string]*wireListener)
	}
	w.listeners[addr.String()] = l
	return l, nil
}

// Dial connects to a listener.
func (w *wires) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	w.mu.Lock()
	l := w.listeners[address]
	w.mu.Unlock()
	if l == nil {
		return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
	}
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// client is a signing client of one server.
type client struct {
	t      *testing.T
	server *emulator.Server
	http   *http.Client
	// credentials, region, service and skew are how requests are signed.
	credentials aws.Credentials
	service     string
	region      string
	skew        time.Duration
	data        string
}

// start runs a server over wires and gives a client of it.
func start(t *testing.T, o emulator.Options) *client {
	t.Helper()
	w := new(wires)
	o.Listen = w.Listen
	return startOn(t, o, &http.Transport{DialContext: w.Dial, DisableCompression: true})
}

// startLoopback runs a server on the loopback interface.
func startLoopback(t *testing.T, o emulator.Options) *client {
	t.Helper()
	o.Address = "127.0.0.1:0"
	return startOn(t, o, &http.Transport{DisableCompression: true})
}

func startOn(t *testing.T, o emulator.Options, tr *http.Transport) *client {
	t.Helper()
	srv, err := emulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		if err := srv.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &client{t: t, server: srv, http: &http.Client{Transport: tr}, service: "kinesisvideo", region: "us-east-1",
		credentials: aws.Credentials{AccessKeyID: "AKTEST", SecretAccessKey: "secret"}}
}

// request makes a signed request.
func (c *client) request(endpoint, path string, body []byte) *http.Request {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, endpoint+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(c.t.Context(), c.credentials, req, hex.EncodeToString(sum[:]), c.service, c.region,
		time.Now().Add(c.skew))
	if err != nil {
		c.t.Fatal(err)
	}
	return req
}

// response is an answer read whole.
type response struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request.
func (c *client) do(req *http.Request) response {
	c.t.Helper()
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%s: %v", req.URL.Path, err)
	}
	return response{status: resp.StatusCode, header: resp.Header, body: b}
}

// call sends a body, as JSON unless it is text already, to an operation's path.
func (c *client) call(endpoint, path string, in any) response {
	c.t.Helper()
	body, ok := in.(string)
	if !ok {
		b, err := json.Marshal(in)
		if err != nil {
			c.t.Fatal(err)
		}
		body = string(b)
	}
	return c.do(c.request(endpoint, path, []byte(body)))
}

// control calls an operation of the control listener.
func (c *client) control(path string, in any) response {
	c.t.Helper()
	return c.call(c.server.Endpoint(), path, in)
}

// dataEndpoint is that of the stream "a", which is asked for once.
func (c *client) dataEndpoint() string {
	c.t.Helper()
	if c.data == "" {
		c.data = c.endpoint("a", "GET_CLIP")
	}
	return c.data
}

// endpoint asks for the data endpoint.
func (c *client) endpoint(stream, api string) string {
	c.t.Helper()
	var out struct{ DataEndpoint string }
	c.control("/getDataEndpoint", object{"StreamName": stream, "APIName": api}).into(c.t, &out)
	return out.DataEndpoint
}

// into reads a good answer.
func (r response) into(t *testing.T, v any) {
	t.Helper()
	if r.status != http.StatusOK {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	if err := json.Unmarshal(r.body, v); err != nil {
		t.Fatalf("body %q: %v", r.body, err)
	}
}

// wantError checks an error: its status, its name and a part of its message.
func (r response) wantError(t *testing.T, status int, kind, message string) {
	t.Helper()
	var out struct{ Message string }
	if err := json.Unmarshal(r.body, &out); err != nil {
		t.Fatalf("status %d, body %.200q: %v", r.status, r.body, err)
	}
	got, _, _ := strings.Cut(r.header.Get("x-amzn-ErrorType"), ":")
	if r.status != status || got != kind || !strings.Contains(out.Message, message) {
		t.Errorf("got %d %s %q, want %d %s %q", r.status, got, out.Message, status, kind, message)
	}
}

// fixed is a Source of fragments without media, in any order.
type fixed []footage.Fragment

func (f fixed) Fragments(sel footage.Selector, from, to time.Time) []footage.Fragment {
	var in []footage.Fragment
	for _, x := range f {
		if at := x.Time(sel); !at.Before(from) && !at.After(to) {
			in = append(in, x)
		}
	}
	return in
}

// every makes n fragments of a length, the first at start; the server takes each in when it ends.
func every(n int, start time.Time, length time.Duration) fixed {
	f := make(fixed, n)
	for i := range f {
		at := start.Add(time.Duration(i) * length)
		f[i] = footage.Fragment{Number: footage.FragmentNumber(at, uint64(i)), Producer: at, Server: at.Add(length),
			Length: length - 40*time.Millisecond, Size: 1000 + int64(i)}
	}
	return f
}

// seconds gives a time as it stands on the wire.
func seconds(t time.Time) json.Number {
	b, _ := json.Marshal(float64(t.UnixMilli()) / 1000)
	return json.Number(b)
}

// selector makes a FragmentSelector.
func selector(kind string, from, to time.Time) object {
	return object{"FragmentSelectorType": kind,
		"TimestampRange": object{"StartTimestamp": seconds(from), "EndTimestamp": seconds(to)}}
}

// listing asks for a page of everything that a stream has.
func listing(stream string, results int) object {
	return object{"StreamName": stream, "MaxResults": results, "FragmentSelector": object{"FragmentSelectorType": "SERVER_TIMESTAMP",
		"TimestampRange": object{"StartTimestamp": 0, "EndTimestamp": 253402300799}}}
}

// listingBody is listing as a request's body.
func listingBody(t *testing.T, stream string, results int) []byte {
	t.Helper()
	b, err := json.Marshal(listing(stream, results))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
