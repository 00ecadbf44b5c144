package emulator_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/wire"
)

func TestCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := every(30, time.Now().Add(-time.Hour), 2*time.Second)
		c := start(t, emulator.Options{Streams: []emulator.Stream{{Name: "a", Source: src}, {Name: "b", Source: src}}})
		data := c.endpoint("a", "LIST_FRAGMENTS")
		var size int64
		for range 2 {
			size += int64(len(c.call(data, "/listFragments", listing("a", 20)).body))
		}
		for range 6 {
			c.control("/describeStream", object{"StreamName": "b"})
		}
		missing := c.control("/describeStream", object{"StreamName": "c"})

		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.server.Endpoint()+"/_emulator/calls", nil)
		if err != nil {
			t.Fatal(err)
		}
		var out struct{ Calls []emulator.CallCount }
		c.do(req).into(t, &out)
		if !slices.Equal(out.Calls, c.server.Calls()) {
			t.Errorf("over HTTP %+v, from Go %+v", out.Calls, c.server.Calls())
		}
		for i := range out.Calls {
			if k := &out.Calls[i]; k.API != wire.ListFragments && k.Stream != "" {
				k.Bytes = 0 // The lengths of versions and the like are not what is tested here.
			}
		}
		want := []emulator.CallCount{
			{API: wire.DescribeStream, Calls: 1, Errors: 1, Bytes: int64(len(missing.body))},
			{API: wire.DescribeStream, Stream: "b", Calls: 6, Throttled: 1},
			{API: wire.GetDataEndpoint, Stream: "a", Calls: 1},
			{API: wire.ListFragments, Stream: "a", Calls: 2, Fragments: 40, Bytes: size},
		}
		if !slices.Equal(out.Calls, want) {
			t.Errorf("calls\n%+v, want\n%+v", out.Calls, want)
		}

		req.Method, req.URL.Path = http.MethodPost, "/_emulator/reset"
		if r := c.do(req); r.status != http.StatusNoContent {
			t.Errorf("reset: status %d", r.status)
		}
		req.Method, req.URL.Path = http.MethodGet, "/_emulator/calls"
		if r := c.do(req); strings.TrimSpace(string(r.body)) != `{"calls":[]}` {
			t.Errorf("after reset: %s", r.body)
		}
	})
}

func TestServerStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv, err := emulator.New(emulator.Options{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if got := srv.Endpoint(); got != "" {
		t.Errorf("endpoint %q before it listens", got)
	}
	if err := srv.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(srv.Endpoint(), "http://127.0.0.1:") {
		t.Errorf("endpoint %q", srv.Endpoint())
	}
	if err := srv.Start(ctx); err == nil {
		t.Error("started twice")
	}
	cancel()
	if err := srv.Wait(); err != nil {
		t.Errorf("wait: %v", err)
	}
	if err := srv.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestCloseWithoutStart(t *testing.T) {
	srv, err := emulator.New(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
}

func TestAddressInUse(t *testing.T) {
	c := startLoopback(t, emulator.Options{})
	addr := strings.TrimPrefix(c.server.Endpoint(), "http://")
	for _, o := range []emulator.Options{{Address: addr}, {Address: "127.0.0.1:0", DataAddress: addr}} {
		srv, err := emulator.New(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := srv.Start(t.Context()); err == nil {
			t.Errorf("%+v: started", o)
		}
		if err := srv.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

// Where a listener stands for all addresses, the data endpoint is told by the host that the client knows.
func TestDataEndpointOfAnyAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{Address: "0.0.0.0:4580", DataAddress: "0.0.0.0:4581", Streams: []emulator.Stream{{Name: "a"}}})
		if got, want := c.server.Endpoint(), "http://127.0.0.1:4580"; got != want {
			t.Errorf("endpoint %s, want %s", got, want)
		}
		req := c.request("http://0.0.0.0:4580", "/getDataEndpoint", []byte(`{"StreamName":"a","APIName":"GET_CLIP"}`))
		req.Host = "kvs.test:4580"
		var out struct{ DataEndpoint string }
		if err := json.Unmarshal(c.do(req).body, &out); err != nil || out.DataEndpoint != "http://kvs.test:4581" {
			t.Errorf("data endpoint %q, %v", out.DataEndpoint, err)
		}
	})
}
