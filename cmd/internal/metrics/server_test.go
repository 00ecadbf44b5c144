package metrics_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"clipfs/cmd/internal/metrics"
)

// TestListen: without a host only this machine is served, any other address is said loudly, and one that is taken fails.
func TestListen(t *testing.T) {
	for _, row := range []struct {
		address string
		loud    bool
	}{{"127.0.0.1:0", false}, {":0", false}, {"localhost:0", false}, {"0.0.0.0:0", true}} {
		var log bytes.Buffer
		s, err := metrics.Listen(t.Context(), row.address, metrics.New(metrics.Options{}), slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatalf("%s: %v", row.address, err)
		}
		host, _, err := net.SplitHostPort(s.Address())
		if err != nil {
			t.Fatal(err)
		}
		if ip := net.ParseIP(host); ip.IsLoopback() == row.loud {
			t.Errorf("%s: listens at %s", row.address, s.Address())
		}
		if got := strings.Contains(log.String(), "level=WARN"); got != row.loud {
			t.Errorf("%s: warned %v: %s", row.address, got, log.String())
		}
		_, err = metrics.Listen(t.Context(), s.Address(), metrics.New(metrics.Options{}), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("%s: a second server: %v", row.address, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestHandler: what is served, and what is not.
func TestHandler(t *testing.T) {
	s, err := metrics.Listen(t.Context(), "127.0.0.1:0", full(1), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		http.DefaultClient.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, row := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"GET", "/metrics", 200, "clipfs_build_info"},
		{"GET", "/healthz", 200, "ok\n"},
		{"GET", "/debug/pprof/", 404, ""},
		{"POST", "/metrics", 405, ""},
		{"POST", "/healthz", 405, ""},
	} {
		request, err := http.NewRequestWithContext(t.Context(), row.method, "http://"+s.Address()+row.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close() // read to its end
		if err != nil || response.StatusCode != row.status || !strings.Contains(string(body), row.says) {
			t.Errorf("%s %s: status %d, %v", row.method, row.path, response.StatusCode, err)
		}
	}
}
