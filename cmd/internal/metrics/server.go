package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"clipfs/cmd/internal/logs"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// headerTimeout and requestTimeout bound how long a request may take to come and to be answered.
	headerTimeout  = 5 * time.Second
	requestTimeout = 30 * time.Second
	// idleTimeout is how long a connection is kept between two looks; Prometheus looks every minute or so.
	idleTimeout = 3 * time.Minute
	// closeTimeout is how long requests under way may take when the server ends.
	closeTimeout = time.Second
)

// Server serves metrics over HTTP.
type Server struct {
	http     *http.Server
	listener net.Listener
	done     chan error
}

// Listen serves the metrics at HOST:PORT until Close. Without a host that is this machine only. An address that others
// can reach is said in the log: what is served has neither encryption nor a password.
func Listen(ctx context.Context, address string, m *Metrics, logger *slog.Logger) (*Server, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	if at, ok := listener.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		logger.Warn("METRICS CAN BE READ BY OTHER MACHINES, without encryption or password: names of streams are not in them, how much is watched is; "+
			"--metrics 127.0.0.1:PORT keeps them here", "address", listener.Addr().String())
	}
	s := &Server{listener: listener, done: make(chan error, 1), http: &http.Server{
		Handler: m.Handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout,
		IdleTimeout: idleTimeout, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}}
	go func() { s.done <- s.http.Serve(listener) }()
	logger.Info("metrics", "url", "http://"+listener.Addr().String()+"/metrics")
	return s, nil
}

// Address is where the server listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Close ends the server; requests under way have a moment.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// Handler gives what answers GET /metrics and GET /healthz.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.Gatherer(), promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if err := m.Health(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, logs.OneLine(err)+"\n") // whoever asked has gone
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	return mux
}
