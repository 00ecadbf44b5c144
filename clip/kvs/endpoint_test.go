package kvs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

// moving is a service whose data endpoint has a new port each time it is asked for; only the newest serves, the others
// answer by stale.
func moving(stale func(w http.ResponseWriter)) *service {
	s := newService()
	newest := ""
	s.answers["/getDataEndpoint"] = func(w http.ResponseWriter, _ request, n int) {
		newest = fmt.Sprintf("http://127.0.0.1:%d", 10+n)
		_, _ = fmt.Fprintf(w, `{"DataEndpoint":%q}`, newest)
	}
	s.answers["/getClip"] = func(w http.ResponseWriter, r request, _ int) {
		if r.host != newest {
			stale(w)
			return
		}
		clipBody(w, "media")
	}
	return s
}

func TestEndpointIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) { clipBody(w, "media") }
		s.answers["/listFragments"] = func(w http.ResponseWriter, _ request, _ int) { _, _ = io.WriteString(w, page("")) }
		a := newArchive(t, config(s), kvs.Options{})
		step := func(want int) {
			t.Helper()
			if _, err := fetch(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			if got := s.count("/getDataEndpoint"); got != want {
				t.Errorf("GetDataEndpoint: got %d calls, want %d", got, want)
			}
		}
		step(1)
		step(1)
		time.Sleep(40*time.Minute - time.Second)
		step(1)
		time.Sleep(2 * time.Second)
		step(2)
		if _, err := list(t.Context(), a, 0); err != nil { // another API has an endpoint of its own
			t.Fatal(err)
		}
		step(3)
	})
}

func TestStaleEndpoint(t *testing.T) {
	for _, tc := range []struct {
		name  string
		stale func(w http.ResponseWriter)
		dial  func(host string) error
	}{
		{name: "403 in XML", stale: wrongHost},
		{name: "404 of something else", stale: func(w http.ResponseWriter) { http.Error(w, "404 page not found", http.StatusNotFound) }},
		{name: "404 in JSON without a name", stale: func(w http.ResponseWriter) { fail(w, 404, "", "no such path") }},
		{name: "refused", dial: refused},
		{name: "no such host", dial: func(host string) error {
			return &url.Error{Op: "Post", URL: host, Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := moving(tc.stale)
				if tc.dial != nil {
					s.dial = func(_ context.Context, host string, _ int) error {
						if host == "http://127.0.0.1:11" && s.count("/getClip") > 1 {
							return tc.dial(host)
						}
						return nil
					}
				}
				a := newArchive(t, config(s), kvs.Options{})
				if _, err := fetch(t.Context(), a); err != nil {
					t.Fatal(err)
				}
				if tc.stale != nil { // move it without being asked
					s.answers["/getDataEndpoint"](nopWriter{}, request{}, 2)
				}
				if got, err := fetch(t.Context(), a); err != nil || got != "media" {
					t.Fatalf("got %q, %v, want the media from the new endpoint", got, err)
				}
				if got, want := s.count("/getDataEndpoint"), 2; got != want {
					t.Errorf("GetDataEndpoint: got %d calls, want %d", got, want)
				}
				if got, want := s.count("/getClip"), 3; got != want {
					t.Errorf("GetClip: got %d requests, want %d", got, want)
				}
			})
		})
	}
}

// nopWriter is an answer that nobody reads.
type nopWriter struct{}

func (nopWriter) Header() http.Header         { return http.Header{} }
func (nopWriter) Write(p []byte) (int, error) { return len(p), nil }
func (nopWriter) WriteHeader(int)             {}

func TestStaleEndpointIsAskedForOncePerCall(t *testing.T) {
	s := newService()
	s.answers["/getClip"] = func(w http.ResponseWriter, _ request, n int) {
		if n == 1 {
			clipBody(w, "media")
			return
		}
		wrongHost(w)
	}
	a := newArchive(t, config(s), kvs.Options{})
	if _, err := fetch(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if _, err := fetch(t.Context(), a); !errors.Is(err, archive.ErrRefused) {
		t.Errorf("got %v, want ErrRefused", err)
	}
	if got := s.count("/getDataEndpoint"); got != 2 {
		t.Errorf("GetDataEndpoint: got %d calls, want 2", got)
	}
	if got := s.count("/getClip"); got != 3 {
		t.Errorf("GetClip: got %d requests, want 3", got)
	}
	// What failed was dropped: the next call asks again.
	if _, err := fetch(t.Context(), a); !errors.Is(err, archive.ErrRefused) {
		t.Errorf("got %v, want ErrRefused", err)
	}
	if got := s.count("/getDataEndpoint"); got < 3 {
		t.Errorf("GetDataEndpoint: got %d calls, want one more", got)
	}
}

func TestEndpointIsAskedForByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) { clipBody(w, "media") }
		s.dial = func(ctx context.Context, host string, _ int) error {
			if host == controlURL {
				time.Sleep(time.Second)
			}
			return ctx.Err()
		}
		a := newArchive(t, config(s), kvs.Options{})
		var wg sync.WaitGroup
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		wg.Go(func() { // the one who asks first leaves, the others get their answer
			if _, err := fetch(impatient, a); !errors.Is(err, archive.ErrUnreachable) {
				t.Errorf("impatient: got %v, want ErrUnreachable", err)
			}
		})
		synctest.Wait()
		for range 20 {
			wg.Go(func() {
				if _, err := fetch(t.Context(), a); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := s.count("/getDataEndpoint"); got != 1 {
			t.Errorf("GetDataEndpoint: got %d calls, want 1", got)
		}
	})
}

func TestEndpointCallEndsWithTheLastWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		ended := make(chan struct{})
		s.dial = func(ctx context.Context, _ string, _ int) error {
			<-ctx.Done()
			close(ended)
			return ctx.Err()
		}
		a := newArchive(t, config(s), kvs.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := fetch(ctx, a); !errors.Is(err, archive.ErrUnreachable) {
			t.Errorf("got %v, want ErrUnreachable", err)
		}
		<-ended // the bubble would report a deadlock if the call went on
	})
}

func TestCheckEndpoint(t *testing.T) {
	for _, tc := range []struct {
		control, data string
		insecure, ok  bool
	}{
		{"", "https://s-1.kinesisvideo.eu-west-1.amazonaws.com", false, true},
		{"http://127.0.0.1:4580", "https://example.com", false, true},
		{"http://127.0.0.1:4580", "http://127.0.0.1:4581", false, true},
		{"http://localhost:4580", "http://[::1]:4581", false, true},
		{"https://example.com", "http://127.0.0.1:4581", false, false}, // https stays https
		{"https://example.com", "http://127.0.0.1:4581", true, false},
		{"", "http://127.0.0.1:4581", true, false},
		{"http://emulator:4580", "http://emulator:4581", true, true},
		{"http://emulator:4580", "http://emulator:4581", false, false},
		{"http://127.0.0.1:4580", "http://127.0.0.1.example.com", false, false},
		{"", "http://s-1.kinesisvideo.eu-west-1.amazonaws.com", false, false},
		{"https://example.com", "http://example.com", false, false},
		{"http://127.0.0.1:4580", "http://example.com", false, false},
		{"", "ftp://example.com", false, false},
		{"", "", false, false},
		{"", "https://", false, false},
		{"", "s-1.kinesisvideo.eu-west-1.amazonaws.com", false, false},
		{"", "https://user:pass@example.com", false, false},
		{"", "https://example.com/?x=y", false, false},
		{"", "https://example.com\n", false, false},
	} {
		err := kvs.CheckEndpoint(tc.control, tc.data, tc.insecure)
		if (err == nil) != tc.ok {
			t.Errorf("control %q, data %q: got %v, want ok %t", tc.control, tc.data, err, tc.ok)
		}
		if err != nil && (!errors.Is(err, kvs.ErrEndpoint) || !errors.Is(err, archive.ErrInvalid)) {
			t.Errorf("control %q, data %q: got %v, want ErrEndpoint", tc.control, tc.data, err)
		}
	}
}

func TestRefusedEndpointGetsNoCall(t *testing.T) {
	for _, answer := range []string{`{"DataEndpoint":"http://example.com"}`, `{}`} {
		s := newService()
		s.answers["/getDataEndpoint"] = func(w http.ResponseWriter, _ request, _ int) { _, _ = io.WriteString(w, answer) }
		if _, err := fetch(t.Context(), newArchive(t, config(s), kvs.Options{})); !errors.Is(err, kvs.ErrEndpoint) {
			t.Errorf("%s: got %v, want ErrEndpoint", answer, err)
		}
		if n := len(s.calls); n != 1 {
			t.Errorf("%s: calls: got %d, want 1", answer, n)
		}
	}
}
