//go:build e2e

package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/wire"
)

// service is an emulator behind a proxy that can be made to break.
type service struct {
	emulator *emulator.Server
	url      string

	// refuse answers a call itself, if it gives a status; media changes what GetClip gives; ahead moves the clock.
	refuse func(api string) (status int, code string)
	media  func([]byte) []byte
	ahead  time.Duration

	// mu guards data, the address of the data API.
	mu   sync.Mutex
	data *url.URL
}

// startService starts one.
func startService(t *testing.T, o emulator.Options) *service {
	t.Helper()
	o.Address = "127.0.0.1:0"
	e, err := emulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &service{emulator: e}
	control, err := url.Parse(e.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(control)
			if path := r.In.URL.Path; path == "/getClip" || path == "/listFragments" || path == "/getImages" {
				s.mu.Lock()
				r.SetURL(s.data)
				s.mu.Unlock()
			}
			r.Out.Host = r.In.Host // it is signed
		},
		ModifyResponse: s.change,
		ErrorLog:       log.New(io.Discard, "", 0), // a client that gives up is no news
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(s.ahead).UTC().Format(http.TimeFormat))
		if s.refuse != nil && len(r.URL.Path) > 1 {
			api := strings.ToUpper(r.URL.Path[1:2]) + r.URL.Path[2:]
			if status, code := s.refuse(api); status != 0 {
				w.Header().Set("X-Amzn-ErrorType", code)
				w.WriteHeader(status)
				_, _ = fmt.Fprintf(w, `{"Message":"not for you: %s"}`, api)
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	s.url = server.URL
	t.Cleanup(func() {
		server.Close()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// change changes an answer of the emulator: data calls are to come this way too.
func (s *service) change(r *http.Response) error {
	r.Header.Del("Date") // ours is there
	path := r.Request.URL.Path
	if path != "/getDataEndpoint" && (path != "/getClip" || s.media == nil) || r.StatusCode != http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if path == "/getClip" {
		body = s.media(body)
	} else {
		var told struct{ DataEndpoint string }
		if err := json.Unmarshal(body, &told); err != nil {
			return err
		}
		data, err := url.Parse(told.DataEndpoint)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.data = data
		s.mu.Unlock()
		body = []byte(`{"DataEndpoint":"` + s.url + `"}`)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.Header.Set("Content-Length", fmt.Sprint(len(body)))
	return nil
}

// clips is how many GetClip calls the emulator got.
func (s *service) clips() int64 {
	var n int64
	for _, c := range s.emulator.Calls() {
		if c.API == wire.GetClip {
			n += c.Calls
		}
	}
	return n
}

// recorded are streams of which only the one called "door" has footage, two hours of the test card.
func recorded(t *testing.T) emulator.Options {
	t.Helper()
	card, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	return emulator.Options{Retention: 2 * time.Hour, Streams: []emulator.Stream{
		{Name: "attic"}, {Name: "door", Source: footage.NewLoop(card, time.Unix(0, 0), footage.Options{})},
	}}
}
