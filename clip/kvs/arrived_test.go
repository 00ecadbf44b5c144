package kvs_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"clipfs/clip/archive"
)

// TestUnread: what has come of a body and was not read is known while the call goes on and when its context has ended.
func TestUnread(t *testing.T) {
	const sent, seen = 64 << 10, 1000
	gone := make(chan struct{})
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		_, _ = w.Write(make([]byte, sent))
		flush(t, w)
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p, err := a.Payload(ctx, archive.PayloadQuery{Stream: "door", Span: archive.NewSpan(start(), time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Body.Close() }()
	if _, err := io.ReadFull(p.Body, make([]byte, seen)); err != nil {
		t.Fatal(err)
	}
	const least = sent - seen - 8<<10 // the rest is in buffers of the client
	for deadline := time.Now().Add(10 * time.Second); p.Unread() < least; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are unread, want %d", p.Unread(), least)
		}
	}
	cancel()
	<-gone // the connection is closed
	if n := p.Unread(); n < least || n > sent {
		t.Errorf("%d bytes were unread when the call ended, want %d", n, least)
	}
}
