package emulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/wire"
)

// TestGivenUpIsCountedAsSent: of an answer that a client gives up counts what has left for it, as its own kernel tells.
func TestGivenUpIsCountedAsSent(t *testing.T) {
	for _, chunked := range []bool{false, true} {
		var conn *net.TCPConn
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			conn, _ = c.(*net.TCPConn)
			return c, err
		}
		c := startOn(t, emulator.Options{Address: "127.0.0.1:0", Chunked: chunked, Streams: []emulator.Stream{{Name: "a", Source: card(t)}}},
			&http.Transport{DialContext: dial, DisableKeepAlives: true})
		now := time.Now()
		body, err := json.Marshal(object{"StreamName": "a", "ClipFragmentSelector": selector(producer, now.Add(-6*time.Minute), now.Add(-10*time.Second))})
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.http.Do(c.request(c.endpoint("a", "GET_CLIP"), "/getClip", body))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, response.Body, 20_000); err != nil {
			t.Fatal(err)
		}
		arrived := settled(t, conn)
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		var header bytes.Buffer
		if err := response.Header.Write(&header); err != nil {
			t.Fatal(err)
		}
		// The header is among what arrived, and may count.
		least, most := arrived-int64(header.Len())-100, arrived
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			var n int64
			for _, k := range c.server.Calls() {
				if k.API == wire.GetClip {
					n += k.Bytes
				}
			}
			if n >= least && n <= most {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("chunked %v: %d bytes count, and %d have arrived with the header", chunked, n, arrived)
			}
		}
	}
}

// settled waits until no more comes over a connection that nobody reads, and gives how much has.
func settled(t *testing.T, conn *net.TCPConn) (arrived int64) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for since := time.Now(); time.Since(since) < 500*time.Millisecond; time.Sleep(10 * time.Millisecond) {
		var info *unix.TCPInfo
		failed := raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
		if failed != nil || err != nil {
			t.Fatal(failed, err)
		}
		if n := int64(info.Bytes_received); n != arrived {
			arrived, since = n, time.Now()
		}
	}
	return arrived
}
