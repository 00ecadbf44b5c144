package fleet

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"clipfs/clip/shared/gateway"
)

// line is how many bytes of an answer pass at once.
const line = 64 << 10

// Store is an object store with an empty bucket, of a latency and a bandwidth.
type Store struct {
	*gateway.Gateway
	hanging atomic.Bool
}

// StartStore starts one; Close has to follow. Bandwidth is bytes a second of each answer; 0 has no limit. gateway.ErrMissing where the program of
// the store is not installed.
func StartStore(ctx context.Context, latency time.Duration, bandwidth int64) (*Store, error) {
	g, err := gateway.Open(ctx)
	if err != nil {
		return nil, err
	}
	s := &Store{Gateway: g}
	g.Set(func(x *gateway.Exchange) bool {
		if s.hanging.Load() {
			return gateway.Hang(x)
		}
		select {
		case <-time.After(latency):
		case <-x.Context().Done():
		}
		if bandwidth > 0 {
			x.ResponseBody = func(body io.ReadCloser) io.ReadCloser {
				return &slow{ReadCloser: body, rate: bandwidth, begun: time.Now()}
			}
		}
		return false
	})
	return s, nil
}

// Hang has requests from now on not be answered, or be answered again.
func (s *Store) Hang(on bool) { s.hanging.Store(on) }

// Flags are those that have a mount share in it, below a prefix.
func (s *Store) Flags(prefix string) []string {
	return []string{"--shared-cache", "s3://" + gateway.Name + "/" + prefix, "--shared-endpoint-url", s.URL, "--shared-path-style"}
}

// Patient are flags of a mount that waits longer for the store, as many processes on one machine are slow. With the default some mounts
// stop asking the store, and the run measures the breaker.
func Patient() []string { return []string{"--shared-timeout", "5s"} }

// slow is a body of a bandwidth.
type slow struct {
	io.ReadCloser
	rate, sent int64
	begun      time.Time
}

// Read implements io.Reader.
func (s *slow) Read(p []byte) (int, error) {
	if wait := time.Duration(float64(s.sent)/float64(s.rate)*float64(time.Second)) - time.Since(s.begun); wait > 0 {
		time.Sleep(wait)
	}
	n, err := s.ReadCloser.Read(p[:min(len(p), line)])
	s.sent += int64(n)
	return n, err
}
