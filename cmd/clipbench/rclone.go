package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// againstRclone compares reads of a clip with reads of the same bytes on a mount of rclone, of its http backend, whose
// cache has all of them.
func (b *bench) againstRclone(ctx context.Context, r *row, path string, c *copies) (err error) {
	p := pinnedRclone()
	if r.missing = p.missing(); r.missing != "" {
		return nil
	}
	dir, err := os.MkdirTemp(b.dir, "rclone-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	source, err := b.serveFile(ctx, c.stored)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	m, err := b.mountPeer(ctx, p, "http://"+source.Addr, dir)
	if err != nil {
		return err
	}
	defer m.end(&err)
	return b.againstPeer(ctx, r, path, m.file(filepath.Base(c.stored)), c.bare, p)
}

// serveFile serves the directory of a file by HTTP, as far away as the emulator is.
func (b *bench) serveFile(ctx context.Context, path string) (*http.Server, error) {
	dir := filepath.Dir(path)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	name := filepath.Base(path)
	server := &http.Server{Addr: listener.Addr().String(), ReadHeaderTimeout: readyAfter}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(b.latency)
		switch strings.Trim(r.URL.Path, "/") {
		case "":
			_, _ = fmt.Fprintf(w, "<html><body><a href=%q>%s</a></body></html>", name, name)
		case name:
			http.ServeFile(b.paced(w, r), r, filepath.Join(dir, name))
		default:
			http.NotFound(w, r)
		}
	})
	go func() { _ = server.Serve(listener) }() // ends with Close
	return server, nil
}

func (b *bench) paced(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if b.rate == 0 {
		return w
	}
	return &pacedWriter{w, rate.NewLimiter(rate.Limit(b.rate), chunk), r}
}

type pacedWriter struct {
	http.ResponseWriter
	limiter *rate.Limiter
	request *http.Request
}

func (w *pacedWriter) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		some := p[n:min(len(p), n+chunk)]
		if err = w.limiter.WaitN(w.request.Context(), len(some)); err != nil {
			break
		}
		var k int
		k, err = w.ResponseWriter.Write(some)
		n += k
	}
	return n, err
}
