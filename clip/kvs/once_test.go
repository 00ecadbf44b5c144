package kvs_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"clipfs/clip/archive"
)

// TestHeadsHaveTheirOwnConnections: what is called for its head comes over a connection that has carried nothing and is not
// used again, so that little is on its way when it is left; all else shares the pool.
func TestHeadsHaveTheirOwnConnections(t *testing.T) {
	var mu sync.Mutex
	calls := make(map[string]int) // by the client's address
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		calls[r.RemoteAddr]++
		mu.Unlock()
		w.Header().Set("Content-Type", "video/mp4")
		_, _ = w.Write([]byte("media"))
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ask := func(u archive.Priority, n int) (connections int) {
		t.Helper()
		mu.Lock()
		clear(calls)
		mu.Unlock()
		for range n {
			p, err := a.Payload(ctx, archive.PayloadQuery{Stream: "door", Span: archive.NewSpan(start(), time.Minute), Priority: as(u)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, p.Body); err != nil {
				t.Error(err)
			}
			if err := p.Body.Close(); err != nil {
				t.Error(err)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		return len(calls)
	}
	for _, step := range []struct {
		urgency archive.Priority
		want    int
	}{{archive.ForReader, 1}, {archive.ForHead, 4}, {archive.ForAhead, 1}, {archive.ForHead, 4}} {
		if got := ask(step.urgency, 4); got != step.want {
			t.Errorf("4 calls of urgency %d came over %d connections, want %d", step.urgency, got, step.want)
		}
	}
}
