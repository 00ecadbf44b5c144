package kvs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

// serve runs a real server whose GetClip is body, and gives an archive on it.
func serve(t *testing.T, body http.HandlerFunc) *kvs.Archive {
	t.Helper()
	return serveAt(t, httptest.NewUnstartedServer(nil), body, nil)
}

// serveInBubble is serve on a network of the bubble.
func serveInBubble(t *testing.T, body http.HandlerFunc) *kvs.Archive {
	t.Helper()
	network, server := newNetwork(), httptest.NewUnstartedServer(nil)
	if err := server.Listener.Close(); err != nil {
		t.Fatal(err)
	}
	server.Listener, _ = network.listen(t.Context(), "tcp", "")
	return serveAt(t, server, body, network.client(t))
}

// serveAt starts a server whose GetClip is body, by TLS where it has HTTP/2, and gives an archive on it that uses a client.
func serveAt(t *testing.T, server *httptest.Server, body http.HandlerFunc, client aws.HTTPClient) *kvs.Archive {
	t.Helper()
	mux := http.NewServeMux()
	server.Config.Handler = mux
	if server.EnableHTTP2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	mux.HandleFunc("/getDataEndpoint", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"DataEndpoint":%q}`, server.URL)
	})
	mux.HandleFunc("/getClip", body)
	cfg := config(nil)
	cfg.HTTPClient = client
	cfg.BaseEndpoint = aws.String(server.URL)
	return newArchive(t, cfg, kvs.Options{})
}

func payload(ctx context.Context, t *testing.T, a *kvs.Archive) *archive.Payload {
	t.Helper()
	p, err := a.Payload(ctx, archive.PayloadQuery{Stream: "door", Span: archive.NewSpan(start(), time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Body.Close() }) // a test may have closed it
	return p
}

// flush sends what was written.
func flush(t *testing.T, w http.ResponseWriter) {
	if err := http.NewResponseController(w).Flush(); err != nil {
		t.Error(err)
	}
}

// cut closes the connection of an answer.
func cut(t *testing.T, w http.ResponseWriter) {
	flush(t, w)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

func TestPayloadLength(t *testing.T) {
	media := bytes.Repeat([]byte("media"), 100000)
	for _, tc := range []struct {
		name    string
		chunked bool
		want    int64
	}{{"content length", false, int64(len(media))}, {"chunked", true, -1}} {
		t.Run(tc.name, func(t *testing.T) {
			a := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept-Encoding") == "gzip" {
					t.Error("asked for a packed body, whose length is not the media's")
				}
				w.Header().Set("Content-Type", "video/mp4")
				if !tc.chunked {
					w.Header().Set("Content-Length", fmt.Sprint(len(media)))
				}
				_, _ = w.Write(media)
			})
			p := payload(t.Context(), t, a)
			if p.Length != tc.want {
				t.Errorf("length: got %d, want %d", p.Length, tc.want)
			}
			got, err := io.ReadAll(p.Body)
			if err != nil || !bytes.Equal(got, media) {
				t.Errorf("body: got %d bytes, %v, want %d", len(got), err, len(media))
			}
		})
	}
}

func TestPayloadIsAStream(t *testing.T) {
	more := make(chan struct{})
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "video/mp4")
		_, _ = io.WriteString(w, "head")
		flush(t, w)
		select { // the rest comes only when the head has been read
		case <-more:
			_, _ = io.WriteString(w, "rest")
		case <-r.Context().Done():
		}
	})
	p := payload(t.Context(), t, a)
	head := make([]byte, 4)
	if _, err := io.ReadFull(p.Body, head); err != nil || string(head) != "head" {
		t.Fatalf("got %q, %v, want the head before the rest is there", head, err)
	}
	close(more)
	if rest, err := io.ReadAll(p.Body); err != nil || string(rest) != "rest" {
		t.Errorf("got %q, %v, want the rest", rest, err)
	}
}

func TestPayloadCut(t *testing.T) {
	for _, chunked := range []bool{false, true} {
		t.Run(fmt.Sprint("chunked ", chunked), func(t *testing.T) {
			a := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "video/mp4")
				if !chunked {
					w.Header().Set("Content-Length", "1000")
				}
				_, _ = io.WriteString(w, "head")
				cut(t, w)
			})
			p := payload(t.Context(), t, a)
			got, err := io.ReadAll(p.Body)
			if !errors.Is(err, archive.ErrUnreachable) || string(got) != "head" {
				t.Errorf("got %q, %v, want what came and ErrUnreachable", got, err)
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got %v, want the cause in it", err)
			}
		})
	}
}

func TestPayloadEndsWithItsContext(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  func(context.Context) (context.Context, func())
		want []error
		not  error
	}{
		{"cancelled", func(ctx context.Context) (context.Context, func()) {
			ctx, cancel := context.WithCancel(ctx)
			return ctx, cancel
		}, []error{context.Canceled}, archive.ErrUnreachable},
		{"cancelled for a reason", func(ctx context.Context) (context.Context, func()) {
			ctx, cancel := context.WithCancelCause(ctx)
			return ctx, func() { cancel(fmt.Errorf("no byte in time: %w", archive.ErrUnreachable)) }
		}, []error{archive.ErrUnreachable}, context.Canceled},
		{"deadline", func(ctx context.Context) (context.Context, func()) {
			ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			return ctx, func() { <-ctx.Done(); cancel() }
		}, []error{archive.ErrUnreachable, context.DeadlineExceeded}, context.Canceled},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := serveInBubble(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "video/mp4")
					_, _ = io.WriteString(w, "head")
					flush(t, w)
					<-r.Context().Done()
				})
				ctx, end := tc.end(t.Context())
				p := payload(ctx, t, a)
				if _, err := io.ReadFull(p.Body, make([]byte, 4)); err != nil {
					t.Fatal(err)
				}
				go end()
				_, err := p.Body.Read(make([]byte, 1))
				for _, want := range tc.want {
					if !errors.Is(err, want) {
						t.Errorf("got %v, want %v", err, want)
					}
				}
				if errors.Is(err, tc.not) {
					t.Errorf("got %v, which is %v too", err, tc.not)
				}
				end()
			})
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	hit := make(chan struct{}, 1)
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hit <- struct{}{} }))
	t.Cleanup(other.Close)
	a := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", other.URL)
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	if _, err := fetch(t.Context(), a); !errors.Is(err, kvs.ErrAnswer) {
		t.Errorf("got %v, want ErrAnswer", err)
	}
	select {
	case <-hit:
		t.Error("the signed request went where the answer said")
	default:
	}
}

func TestServerRestartsElsewhere(t *testing.T) {
	clipHandler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { clipBody(w, "media") })
	var data *httptest.Server
	mux := http.NewServeMux()
	control := httptest.NewServer(mux)
	t.Cleanup(control.Close)
	mux.HandleFunc("/getDataEndpoint", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"DataEndpoint":%q}`, data.URL)
	})
	cfg := config(nil)
	cfg.HTTPClient = nil
	cfg.BaseEndpoint = aws.String(control.URL)
	a := newArchive(t, cfg, kvs.Options{})
	var ports []net.Addr
	for range 3 {
		data = httptest.NewServer(clipHandler)
		ports = append(ports, data.Listener.Addr())
		if got, err := fetch(t.Context(), a); err != nil || got != "media" {
			t.Errorf("on %v: got %q, %v, want the media", ports, got, err)
		}
		data.Close()
	}
}
