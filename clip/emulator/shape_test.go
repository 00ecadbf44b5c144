package emulator_test

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
)

// In a bubble time passes only while everything waits, so what is measured is what the emulator means to take.

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{Latency: 300 * time.Millisecond, Streams: []emulator.Stream{{Name: "a"}}})
		begin := time.Now()
		data := c.endpoint("a", "LIST_FRAGMENTS")
		if d := time.Since(begin); d != 0 {
			t.Errorf("a control call took %s, want no time", d)
		}
		for _, in := range []object{{"StreamName": "a"}, {"StreamName": "unknown"}} {
			begin = time.Now()
			c.call(data, "/listFragments", in)
			if d := time.Since(begin); d != 300*time.Millisecond {
				t.Errorf("%v took %s, want 300ms", in, d)
			}
		}
	})
}

// No time limit of the HTTP server may end an answer that is only slow.
func TestSlowAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := every(1000, time.Now().Add(-time.Hour), 2*time.Second)
		c := start(t, emulator.Options{Bandwidth: 100, Latency: 10 * time.Minute, Streams: []emulator.Stream{{Name: "a", Source: src}}})
		data, begin := c.endpoint("a", "LIST_FRAGMENTS"), time.Now()
		var out listed
		c.call(data, "/listFragments", listing("a", 1000)).into(t, &out)
		if d := time.Since(begin); len(out.Fragments) != 1000 || d < 20*time.Minute {
			t.Errorf("%d fragments in %s, want 1000 in more than 20m", len(out.Fragments), d)
		}
	})
}

func TestBandwidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perSecond = 10_000
		src := every(1000, time.Now().Add(-time.Hour), 2*time.Second)
		c := start(t, emulator.Options{Bandwidth: perSecond, NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: src}}})
		data := c.endpoint("a", "LIST_FRAGMENTS")
		fetch := func() int {
			return len(c.call(data, "/listFragments", listing("a", 1000)).body)
		}
		// The second answer goes over the same connection.
		for range 2 {
			begin := time.Now()
			n := fetch()
			want := time.Duration(n) * time.Second / perSecond
			if d := time.Since(begin); n < perSecond || d > want || d < want-time.Second/10 {
				t.Errorf("%d bytes took %s, want about %s", n, d, want)
			}
		}
		// Another connection has a bandwidth of its own.
		begin := time.Now()
		done := make(chan int)
		for range 3 {
			go func() { done <- fetch() }()
		}
		n := <-done + <-done + <-done
		if d, want := time.Since(begin), time.Duration(n/3)*time.Second/perSecond; d > want {
			t.Errorf("3 × %d bytes at a time took %s, want %s", n/3, d, want)
		}
	})
}

// A server that closes cuts an answer off; the client must not take what it has for the whole.
func TestCloseCutsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := every(1000, time.Now().Add(-time.Hour), 2*time.Second)
		c := start(t, emulator.Options{Bandwidth: 1000, Streams: []emulator.Stream{{Name: "a", Source: src}}})
		req := c.request(c.endpoint("a", "LIST_FRAGMENTS"), "/listFragments", listingBody(t, "a", 1000))
		resp, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		if _, err := io.CopyN(io.Discard, resp.Body, 5000); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := c.server.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if d := time.Since(begin); d > 2*time.Second {
			t.Errorf("close took %s", d)
		}
		var rest bytes.Buffer
		if _, err := rest.ReadFrom(resp.Body); err == nil {
			t.Errorf("the body ended after %d more bytes as if it were whole", rest.Len())
		}
	})
}

// The same for an answer that the client does not read, and for a latency that has not passed.
func TestCloseWhileWaiting(t *testing.T) {
	for name, o := range map[string]emulator.Options{
		"reader stalls": {}, "latency": {Latency: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o.Streams = []emulator.Stream{{Name: "a", Source: every(1000, time.Now().Add(-time.Hour), 2*time.Second)}}
				c := start(t, o)
				req := c.request(c.endpoint("a", "LIST_FRAGMENTS"), "/listFragments", listingBody(t, "a", 1000))
				failed := make(chan error, 1)
				go func() {
					resp, err := c.http.Do(req)
					if err == nil {
						defer func() { _ = resp.Body.Close() }()
						time.Sleep(time.Minute)
						_, err = io.Copy(io.Discard, resp.Body)
					}
					failed <- err
				}()
				time.Sleep(time.Second)
				if err := c.server.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
				if err := <-failed; err == nil {
					t.Error("the answer came whole")
				}
			})
		})
	}
}
