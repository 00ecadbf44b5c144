package web_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/clip/archive/memory"
	"clipfs/clip/names"
	"clipfs/fs/tree"
	"clipfs/fs/web"
)

// at is a minute with footage.
const at = "/door/1999-12-31T20:00/"

// recorded is an archive of two hours of footage of "door" from memory.Base on, and a stream without any.
func recorded() *memory.Archive {
	a := memory.New()
	a.Record("door", memory.Base(), 720, 10*time.Second)
	a.Recorded["dark"] = nil
	return a
}

// serve serves an archive over HTTP, with a cache of its own.
func serve(t *testing.T, service *memory.Archive, o web.Options) *httptest.Server {
	t.Helper()
	return serveIn(t, time.UTC, service, o)
}

// serveIn does that with the days of a time zone.
func serveIn(t *testing.T, zone *time.Location, service *memory.Archive, o web.Options) *httptest.Server {
	t.Helper()
	c, err := cache.Open(t.TempDir(), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	h, err := web.New(tree.New(clip.NewLibrary(service, c, clip.Options{Grammar: names.Grammar{Location: zone}}), tree.Options{}), o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	t.Cleanup(server.Client().CloseIdleConnections)
	return server
}

// response is an answer that was read.
type response struct {
	status int
	header http.Header
	body   string
	err    error
}

// ask makes a request with headers in pairs, and follows no redirect.
func ask(t *testing.T, s *httptest.Server, method, path string, headers ...string) response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	client := *s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(r)
	if err != nil {
		return response{err: err}
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	return response{answer.StatusCode, answer.Header, string(body), err}
}

// parsed reads JSON.
func parsed[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

// counted is a web.Observer.
type counted struct {
	mu       sync.Mutex
	statuses []int
	bytes    int
	first    int
}

func (c *counted) FirstByte(time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.first++
}

func (c *counted) Read(bytes int, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += bytes
}

func (c *counted) Answered(_ string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.statuses = append(c.statuses, status)
}

// await waits until so many requests were answered, which is after their clients have the answer.
func (c *counted) await(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		c.mu.Lock()
		answered := len(c.statuses)
		c.mu.Unlock()
		if answered == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d requests answered, want %d", answered, n)
		}
	}
}
