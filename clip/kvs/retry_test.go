package kvs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

// refused is what a dial gives where nobody listens.
func refused(host string) error {
	return &url.Error{Op: "Post", URL: host, Err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}
}

func TestRetriesUntilItWorks(t *testing.T) {
	media := func(w http.ResponseWriter) { clipBody(w, "media") }
	for _, tc := range []struct {
		name  string
		first func(w http.ResponseWriter)
	}{
		{"throttled", throttle},
		{"429 without a name", func(w http.ResponseWriter) { fail(w, 429, "", "slow down") }},
		{"500", func(w http.ResponseWriter) { fail(w, 500, "InternalFailure", "x") }},
		{"503 with HTML", func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "<html>no</html>")
		}},
		{"200 with HTML", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<html>log in</html>")
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				s.answers["/getClip"] = func(w http.ResponseWriter, _ request, n int) {
					if n <= 7 {
						tc.first(w)
						return
					}
					media(w)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				got, err := fetch(ctx, newArchive(t, config(s), kvs.Options{}))
				if err != nil || got != "media" {
					t.Errorf("got %q, %v, want the media", got, err)
				}
				if n := s.count("/getClip"); n != 8 {
					t.Errorf("attempts: got %d, want 8", n)
				}
			})
		})
	}
}

func TestDeadline(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer func(w http.ResponseWriter, n int)
		dial   func(ctx context.Context, host string, n int) error
		want   error
	}{
		{name: "throttled", answer: func(w http.ResponseWriter, _ int) { throttle(w) }, want: archive.ErrThrottled},
		{name: "503", answer: func(w http.ResponseWriter, _ int) { fail(w, 503, "ServiceUnavailable", "x") }, want: archive.ErrUnreachable},
		{name: "503 first, throttled last", answer: func(w http.ResponseWriter, n int) {
			if n == 1 {
				fail(w, 503, "", "x")
				return
			}
			throttle(w)
		}, want: archive.ErrThrottled},
		{name: "HTML for media", answer: func(w http.ResponseWriter, _ int) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>")
		}, want: kvs.ErrAnswer},
		{name: "refused", dial: func(_ context.Context, host string, _ int) error {
			if host == dataURL {
				return refused(host)
			}
			return nil
		}, want: syscall.ECONNREFUSED},
		{name: "reset", dial: func(_ context.Context, host string, _ int) error {
			return &url.Error{Op: "Post", URL: host, Err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}}
		}, want: syscall.ECONNRESET},
		{name: "silent", dial: func(ctx context.Context, host string, _ int) error {
			if host != dataURL {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}, want: archive.ErrUnreachable},
		{name: "silent control", dial: func(ctx context.Context, _ string, _ int) error {
			<-ctx.Done()
			return ctx.Err()
		}, want: archive.ErrUnreachable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				s.dial = tc.dial
				s.answers["/getClip"] = func(w http.ResponseWriter, _ request, n int) { tc.answer(w, n) }
				a := newArchive(t, config(s), kvs.Options{})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				_, err := fetch(ctx, a)
				if !errors.Is(err, tc.want) {
					t.Errorf("got %v, want %v", err, tc.want)
				}
				if !errors.Is(tc.want, archive.ErrThrottled) && !errors.Is(err, archive.ErrUnreachable) {
					t.Errorf("got %v, want it to be ErrUnreachable too", err)
				}
				if errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v, which hides behind the context's error", err)
				}
				if took := time.Since(began); took != time.Minute {
					t.Errorf("took %s, want the whole deadline", took)
				}
				if n := s.count("/getClip"); n > 40 {
					t.Errorf("attempts: got %d in a minute, want them to become rare", n)
				}
			})
		})
	}
}

func TestCancel(t *testing.T) {
	for _, tc := range []struct {
		name  string
		cause error
		want  error
	}{
		{"plain", nil, context.Canceled},
		{"for a reason of ours", fmt.Errorf("stalled: %w", archive.ErrUnreachable), archive.ErrUnreachable},
		{"for another reason", io.ErrClosedPipe, context.Canceled},
		{"for another reason, which stays", io.ErrClosedPipe, io.ErrClosedPipe},
	} {
		for _, where := range []string{"waiting for a retry", "waiting for an answer", "waiting for an endpoint"} {
			t.Run(tc.name+"/"+where, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newService()
					s.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) { throttle(w) }
					s.dial = func(ctx context.Context, host string, _ int) error {
						if where == "waiting for an answer" && host == dataURL || where == "waiting for an endpoint" {
							<-ctx.Done()
							return ctx.Err()
						}
						return nil
					}
					a := newArchive(t, config(s), kvs.Options{})
					ctx, cancel := context.WithCancelCause(t.Context())
					began := time.Now()
					time.AfterFunc(10*time.Second+time.Nanosecond, func() { cancel(tc.cause) })
					_, err := fetch(ctx, a)
					if !errors.Is(err, tc.want) {
						t.Errorf("got %v, want %v", err, tc.want)
					}
					if took := time.Since(began); took != 10*time.Second+time.Nanosecond {
						t.Errorf("took %s, want until it was cancelled", took)
					}
				})
			})
		}
	}
}

func TestSilentAttemptsOfShortCallsAreMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.answers["/describeStream"] = func(w http.ResponseWriter, _ request, _ int) {
			_, _ = io.WriteString(w, `{"StreamInfo":{"StreamName":"door"}}`)
		}
		s.dial = func(ctx context.Context, _ string, n int) error {
			if n > 1 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := newArchive(t, config(s), kvs.Options{}).Stream(ctx, "door"); err != nil {
			t.Errorf("got %v, want the second attempt's answer", err)
		}
	})
}

func TestMalformedAnswersAreAskedForAgain(t *testing.T) {
	for _, body := range []string{``, `{`, `<html>`, `{"Fragments":[{"FragmentSizeInBytes":"big"}]}`, `{"Fragments":[]} x`, `{"Fragments":[{"ProducerTimestamp":1e300}]}`} {
		t.Run(body, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				s.answers["/listFragments"] = func(w http.ResponseWriter, _ request, n int) {
					if n < 3 {
						_, _ = io.WriteString(w, body)
						return
					}
					_, _ = io.WriteString(w, page("", fragmentJSON("1", 0)))
				}
				got, err := list(t.Context(), newArchive(t, config(s), kvs.Options{}), 0)
				if err != nil || len(got) != 1 {
					t.Errorf("got %v, %v, want the third answer", got, err)
				}
			})
		})
	}
}

func TestEndlessAnswer(t *testing.T) {
	s := newService()
	s.answers["/describeStream"] = func(w http.ResponseWriter, _ request, _ int) {
		_, _ = io.WriteString(w, `{"StreamInfo":{"StreamName":"`)
		for range 9 << 10 {
			_, _ = io.WriteString(w, strings.Repeat("a", 1<<10))
		}
	}
	_, err := newArchive(t, config(s), kvs.Options{}).Stream(t.Context(), "door")
	if !errors.Is(err, kvs.ErrAnswer) {
		t.Errorf("got %v, want ErrAnswer", err)
	}
	if n := s.count("/describeStream"); n != 1 {
		t.Errorf("attempts: got %d, want 1", n)
	}
}

// TestSilentAttempts: an attempt whose answer does not begin is made again, after twice as long each time, so that a
// service that thinks for long is heard in the end.
func TestSilentAttempts(t *testing.T) {
	for _, tc := range []struct {
		thinks time.Duration
		calls  int
		want   error
	}{
		{9 * time.Second, 1, nil},
		{15 * time.Second, 2, nil},
		{25 * time.Second, 3, nil},
		{time.Hour, 3, archive.ErrUnreachable},
	} {
		t.Run(tc.thinks.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				s.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) { clipBody(w, "media") }
				s.dial = func(ctx context.Context, host string, _ int) error {
					if host != dataURL {
						return nil
					}
					select {
					case <-time.After(tc.thinks):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if _, err := fetch(ctx, newArchive(t, config(s), kvs.Options{})); !errors.Is(err, tc.want) {
					t.Errorf("got %v, want %v", err, tc.want)
				}
				if n := s.count("/getClip"); n != tc.calls {
					t.Errorf("got %d calls, want %d", n, tc.calls)
				}
			})
		})
	}
}

// slowBody gives a byte every so often.
type slowBody struct {
	ctx   context.Context
	text  string
	pause time.Duration
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.text == "" {
		return 0, io.EOF
	}
	select {
	case <-time.After(b.pause):
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
	n := copy(p[:1], b.text)
	b.text = b.text[n:]
	return n, nil
}

func (b *slowBody) Close() error { return nil }

// roundTripper is an http client of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) Do(r *http.Request) (*http.Response, error) { return f(r) }

// TestSlowAnswers: an answer in JSON may come slowly, but not stop.
func TestSlowAnswers(t *testing.T) {
	for _, tc := range []struct {
		pause time.Duration
		calls int
	}{{9 * time.Second, 1}, {11 * time.Second, 2}} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			cfg := config(newService())
			cfg.HTTPClient = roundTripper(func(r *http.Request) (*http.Response, error) {
				calls++
				body := &slowBody{r.Context(), `{"StreamInfo":{"StreamName":"door"}}`, tc.pause}
				if calls > 1 {
					body.pause = 0
				}
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, ContentLength: -1}, nil
			})
			if _, err := newArchive(t, cfg, kvs.Options{}).Stream(t.Context(), "door"); err != nil || calls != tc.calls {
				t.Errorf("a byte every %s: %d calls, %v; want %d", tc.pause, calls, err, tc.calls)
			}
		})
	}
}
