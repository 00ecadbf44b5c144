package web_test

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"clipfs/fs/web"
)

// patience is how long something may take that has to happen.
const patience = 20 * time.Second

// bounded is a server of no more than so many connections. Those that busy gives are being answered, until release is called.
func bounded(t *testing.T, most int) (dial, busy func(from string) net.Conn, release func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entered, released := make(chan struct{}), make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/busy" {
			entered <- struct{}{}
			<-released
		}
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(web.NewConnections(listener, most, server))
	}()
	release = sync.OnceFunc(func() { close(released) })
	t.Cleanup(func() {
		release()
		_ = server.Close()
		<-done
	})
	dial = func(from string) net.Conn {
		t.Helper()
		dialer := &net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(patience))
		return c
	}
	busy = func(from string) net.Conn {
		t.Helper()
		c := dial(from)
		request(t, c, "/busy")
		select {
		case <-entered:
		case <-time.After(patience):
			t.Fatal("it is not answered")
		}
		return c
	}
	return dial, busy, release
}

func request(t *testing.T, c net.Conn, path string) {
	t.Helper()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
}

// answered waits for an answer, and reports false where the connection has ended instead.
func answered(t *testing.T, c net.Conn) bool {
	t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			t.Fatal("neither an answer nor an end")
		}
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// TestConnectionsThatWait: where there are as many as may be, the one that has waited longest for a request goes.
func TestConnectionsThatWait(t *testing.T) {
	dial, _, _ := bounded(t, 4)
	silent := dial("127.0.0.1") // sends nothing
	used := dial("127.0.0.1")   // waits for its next request
	request(t, used, "/")
	if !answered(t, used) {
		t.Fatal("no answer")
	}
	third := dial("127.0.0.1")
	request(t, third, "/")
	if !answered(t, third) {
		t.Error("the third of an address that may have two gets no answer")
	}
	if _, err := silent.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the one that has waited longest is still there: %v", err)
	}
	request(t, used, "/")
	if !answered(t, used) {
		t.Error("the one that was used later is gone")
	}
}

// TestConnectionsThatAreBusy: a client address has half of the connections at most, so that others are answered, and where all are busy
// the next one waits for an end.
func TestConnectionsThatAreBusy(t *testing.T) {
	dial, busy, release := bounded(t, 4)
	first := busy("127.0.0.1")
	busy("127.0.0.1")
	busy("127.0.0.2")
	if third := dial("127.0.0.1"); answered(t, third) {
		t.Error("the third of an address that may have two is answered")
	}
	other := dial("127.0.0.3")
	request(t, other, "/")
	if !answered(t, other) {
		t.Error("another address gets no answer")
	}
	busy("127.0.0.4") // in the place of the one that waits for its next request
	waits := dial("127.0.0.5")
	request(t, waits, "/")
	release()
	for name, c := range map[string]net.Conn{"one that had to wait for a place": waits, "one that was busy": first} {
		if !answered(t, c) {
			t.Errorf("%s gets no answer", name)
		}
	}
}

// TestSendfile: bytes on the disk arrive as they are, from where they begin, also where a client takes them slowly, and what a file does
// not have is an error.
func TestSendfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	const sent = 20<<20 - 1000
	content := make([]byte, 20<<20)
	for i := range content {
		content[i] = byte(rand.Uint32()) //nolint:gosec // any bytes
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error, 2)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := int64(1000)
		if r.URL.Path == "/more" {
			from = 2000
		}
		w.Header().Set("Content-Type", "video/mp4")
		w.Header().Set("Content-Length", strconv.Itoa(sent))
		to, _ := w.(io.ReaderFrom)
		n, err := to.ReadFrom(web.Extent(f, from, sent))
		if want := min(sent, int64(len(content))-from); n != want {
			t.Errorf("%s: %d bytes sent, want %d", r.URL.Path, n, want)
		}
		results <- err
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(web.NewConnections(listener, 10, server))
	}()
	defer func() {
		_ = server.Close()
		<-done
	}()
	for _, row := range []struct {
		path string
		err  error
	}{{"/", nil}, {"/more", io.ErrUnexpectedEOF}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+row.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if got := <-results; !errors.Is(got, row.err) {
			t.Errorf("%s: %v, want %v", row.path, got, row.err)
		}
		if row.err == nil && (err != nil || sha256.Sum256(body) != sha256.Sum256(content[1000:])) {
			t.Errorf("%d bytes, %v; they are not those of the file", len(body), err)
		}
		if row.err != nil && err == nil {
			t.Error("the client does not see that something is missing")
		}
	}
}
