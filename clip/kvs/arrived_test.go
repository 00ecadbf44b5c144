package kvs_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// TestUnread: what has come of a body and was not read is known while the call goes on and when its context has ended: what waits in
// the kernel, what net/http has taken from it for a short read, and what crypto/tls has deciphered.
func TestUnread(t *testing.T) {
	for _, transport := range []struct {
		name   string
		server func(*httptest.Server)
		client aws.HTTPClient
		// margin is what the kernel counts besides, and what has come of a record that is not whole, at most.
		margin int64
	}{
		{"plain", func(*httptest.Server) {}, nil, 0},
		{
			// A server that would rather speak HTTP/2, where bodies share a connection.
			"TLS", func(s *httptest.Server) { s.EnableHTTP2 = true },
			awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
				tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
			}), 3000,
		},
	} {
		t.Run(transport.name, func(t *testing.T) {
			const sent, seen = 24 << 10, 1000
			flushed, gone := make(chan struct{}, 1), make(chan struct{}, 1)
			server := httptest.NewUnstartedServer(nil)
			transport.server(server)
			a := serveAt(t, server, func(w http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor != 1 {
					t.Errorf("GetClip by %s", r.Proto)
				}
				w.Header().Set("Content-Length", "1000000")
				_, _ = w.Write(make([]byte, sent))
				flush(t, w)
				flushed <- struct{}{}
				<-r.Context().Done()
				gone <- struct{}{}
			}, transport.client)
			unread := func(ended bool) int64 {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				p := payload(ctx, t, a)
				if _, err := io.ReadFull(p.Body, make([]byte, seen)); err != nil {
					t.Fatal(err)
				}
				<-flushed
				if ended {
					cancel()
					<-gone
				}
				n := p.Unread()
				if _, err := p.Body.Read(make([]byte, 1)); err == nil {
					t.Error("a body can be read that was given up")
				}
				if err := p.Body.Close(); err != nil {
					t.Error(err)
				}
				if !ended {
					<-gone
				}
				return n
			}
			for _, ended := range []bool{false, true} {
				n := unread(ended)
				for range 20 { // what was sent need not have come yet
					if n >= sent-seen-transport.margin {
						break
					}
					n = unread(ended)
				}
				if n < sent-seen-transport.margin || n > sent-seen+transport.margin {
					t.Errorf("%d bytes are unread (context ended: %t), want %d", n, ended, sent-seen)
				}
			}
		})
	}
}
