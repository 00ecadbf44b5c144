package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"clipfs/cmd/internal/child"
)

const (
	// version is that of the program that .ci/test builds.
	version = "v1.8.0"
	// name is the bucket that there is.
	name              = "footage"
	accessKey, secret = "test", "test-secret" // those of child.Environment
	// storeReady is how long the store may take until it answers.
	storeReady = 60 * time.Second
	// line is how many bytes of an answer pass at once.
	line = 64 << 10
)

// ErrNoStore says that the program is not installed.
var ErrNoStore = errors.New("versitygw is not installed: .ci/test builds it")

// Store is an object store with an empty bucket.
type Store struct {
	// URL is where it is.
	URL     string
	process *child.Process
	proxy   *httptest.Server
	dir     string
	latency time.Duration
	// bandwidth is bytes a second of each answer; 0 has no limit.
	bandwidth int64

	// mu guards the rest.
	mu      sync.Mutex
	counts  map[string]int
	hanging bool
}

// StartStore starts one in a directory of its own below the system's, since the path of a socket has to be short.
func StartStore(ctx context.Context, latency time.Duration, bandwidth int64) (_ *Store, err error) {
	program, err := storeProgram()
	if err != nil {
		return nil, err
	}
	s := &Store{latency: latency, bandwidth: bandwidth, counts: make(map[string]int)}
	if s.dir, err = os.MkdirTemp("", "store"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	objects, socket, side := filepath.Join(s.dir, "objects"), filepath.Join(s.dir, "s"), filepath.Join(s.dir, "side")
	if err := errors.Join(os.MkdirAll(filepath.Join(objects, name), 0o700), os.Mkdir(side, 0o700)); err != nil {
		return nil, err
	}
	s.process, err = child.Start(program, func(cmd *exec.Cmd) error {
		cmd.Env = append(cmd.Env, "ROOT_ACCESS_KEY_ID="+accessKey, "ROOT_SECRET_ACCESS_KEY="+secret, "HOME="+s.dir)
		return nil
	}, "--quiet", "--keep-alive", "--port", socket, "posix", "--sidecar", side, objects)
	if err != nil {
		return nil, err
	}
	s.serve(socket)
	return s, s.await(ctx)
}

func storeProgram() (string, error) {
	tools, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(tools, "clipfs-ci", "versitygw-"+version, "versitygw")
	if _, err := os.Stat(path); err != nil {
		return "", ErrNoStore
	}
	return path, nil
}

// serve puts the proxy before a socket.
func (s *Store) serve(socket string) {
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	behind := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) { // the host stays: it is signed
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "store"
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(r *http.Response) error {
			if s.bandwidth > 0 {
				r.Body = &slow{ReadCloser: r.Body, rate: s.bandwidth, begun: time.Now()}
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     nil,
	}
	s.proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.counts[r.Method]++
		hanging := s.hanging
		s.mu.Unlock()
		if hanging {
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		}
		select {
		case <-time.After(s.latency):
		case <-r.Context().Done():
		}
		behind.ServeHTTP(w, r)
	}))
	s.URL = s.proxy.URL
}

// await waits until the store answers.
func (s *Store) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeReady)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/", nil)
		if err != nil {
			return err
		}
		answer, err := s.proxy.Client().Do(request)
		if err == nil {
			s.Counts()
			return answer.Body.Close()
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the store does not answer: %w\n%s", ctx.Err(), s.process.Tail())
		}
	}
}

// Hang has requests from now on not be answered, or be answered again.
func (s *Store) Hang(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hanging = on
}

// Counts gives how many requests of each method there were since it was last asked.
func (s *Store) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := maps.Clone(s.counts)
	clear(s.counts)
	return counts
}

// Flags are those that have a mount share in it, below a prefix.
func (s *Store) Flags(prefix string) []string {
	return []string{"--shared-cache", "s3://" + name + "/" + prefix, "--shared-endpoint-url", s.URL, "--shared-path-style"}
}

// Patient are flags of a mount that waits longer for the store, as many processes on one machine are slow. With the default some mounts
// stop asking the store, and the run measures the breaker.
func Patient() []string { return []string{"--shared-timeout", "5s"} }

// Close ends it and removes all that it had.
func (s *Store) Close() error {
	if s.proxy != nil {
		s.proxy.CloseClientConnections()
		s.proxy.Close()
	}
	var err error
	if s.process != nil {
		err = s.process.Stop(os.Kill) // it has nothing to lose
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

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
