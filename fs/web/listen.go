package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// headerTimeout bounds how long the header of a request may take to come, bodyTimeout all of it.
	headerTimeout, bodyTimeout = 10 * time.Second, 30 * time.Second
	// idleTimeout is how long a connection is kept without a request.
	idleTimeout = 2 * time.Minute
	// maxHeader is how long a header may be, in bytes.
	maxHeader = 16 << 10
)

// ListenOptions say where a Handler is served. The zero value is any port of this machine, for this machine.
type ListenOptions struct {
	// Address is HOST:PORT. Without a host it is this machine only.
	Address string
	// Certificate and Key are files in PEM; without them there is no encryption. They are read again when they have changed.
	Certificate, Key string
	// Logger takes what is worth telling; nil discards it.
	Logger *slog.Logger
}

// Server serves a Handler.
type Server struct {
	http     *http.Server
	listener net.Listener
	secure   bool
	done     chan error
}

// Listen serves a handler until Close.
func Listen(ctx context.Context, h http.Handler, o ListenOptions) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	host, port, err := net.SplitHostPort(o.Address)
	if o.Address != "" && err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	s := &Server{done: make(chan error, 1), http: &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}}
	if o.Certificate != "" {
		c := &certificate{file: o.Certificate, key: o.Key}
		if _, err := c.get(nil); err != nil {
			return nil, err
		}
		s.secure = true
		s.http.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	s.listener = newConnections(listener, maxConnections(), s.http)
	go func() {
		if s.secure {
			s.done <- s.http.ServeTLS(s.listener, "", "")
			return
		}
		s.done <- s.http.Serve(s.listener)
	}()
	return s, nil
}

// maxConnections is how many connections there may be at once: half of the files that this process may have open, as the other half is
// for the cache and the archive, and no more than there is memory for.
func maxConnections() int {
	const most = 8192
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 512
	}
	return int(min(limit.Cur/2, most))
}

// URL is where the server is reached, without a path.
func (s *Server) URL() string {
	scheme := "http"
	if s.secure {
		scheme = "https"
	}
	return scheme + "://" + s.listener.Addr().String()
}

// Close ends the server: no more requests are taken, those under way have until grace is over.
func (s *Server) Close(grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// certificate is a certificate of two files, read again when either has changed, as when it was renewed.
type certificate struct {
	file, key string

	// mu guards the rest.
	mu      sync.Mutex
	changed [2]time.Time
	read    *tls.Certificate
}

// get is a tls.Config's GetCertificate. While what was renewed cannot be read, the one before is used.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var changed [2]time.Time
	for i, path := range []string{c.file, c.key} {
		info, err := os.Stat(path)
		if err != nil {
			return c.last(err)
		}
		changed[i] = info.ModTime()
	}
	if c.read != nil && changed == c.changed {
		return c.read, nil
	}
	read, err := tls.LoadX509KeyPair(c.file, c.key)
	if err != nil {
		return c.last(err)
	}
	c.read, c.changed = &read, changed
	return c.read, nil
}

// last gives the certificate that was read last, or an error where there is none.
func (c *certificate) last(err error) (*tls.Certificate, error) {
	if c.read != nil {
		return c.read, nil
	}
	return nil, fmt.Errorf("certificate: %w", err)
}
