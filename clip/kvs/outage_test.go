package kvs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

// TestOneProbeASecond: however many calls want to go to a host that refuses connections, it is tried once a second, all
// hear of its return within a second, and when nobody asks any more nobody tries.
func TestOneProbeASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int64
		var up atomic.Bool
		down := kvs.NewOutages(func(context.Context, string, string) (net.Conn, error) {
			dials.Add(1)
			if up.Load() {
				ours, theirs := net.Pipe()
				return ours, theirs.Close()
			}
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		})
		defer down.Close()
		connect := func() error { return down.Connect(t.Context(), "127.0.0.1:4999") }
		begun, over := time.Now(), (<-chan struct{})(nil)
		for time.Since(begun) < 30*time.Second {
			for range 50 {
				err := connect()
				if over = kvs.Over(err); over == nil || !errors.Is(err, syscall.ECONNREFUSED) {
					t.Fatalf("after %s: %v", time.Since(begun), err)
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := dials.Load(); n < 28 || n > 36 {
			t.Errorf("%d connections tried in 30 s by 15,000 calls, want about one a second", n)
		}
		up.Store(true)
		returned := time.Now()
		<-over
		if took := time.Since(returned); took > time.Second {
			t.Errorf("its return was noticed after %s, want a second", took)
		}
		if err := connect(); err != nil {
			t.Errorf("when it was back: %v", err)
		}
		up.Store(false)
		over = kvs.Over(connect())
		before := dials.Load()
		<-over // nobody asks
		time.Sleep(time.Hour)
		if n := dials.Load() - before; n < 50 || n > 70 {
			t.Errorf("%d connections tried in an hour in which nobody asked, want those of a minute", n)
		}
	})
}

// TestTroubles: the first failure of each cause is logged, what goes on is not, and what is over is.
func TestTroubles(t *testing.T) {
	refused := &url.Error{Op: "Post", URL: "http://h/", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	name := &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}
	cut := &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		tr := kvs.NewTroubles(slog.New(slog.NewTextHandler(&text, nil)))
		lines := func() string {
			t.Helper()
			s := text.String()
			text.Reset()
			var all []string
			for line := range strings.Lines(s) {
				word := "?"
				switch {
				case strings.Contains(line, "answers again"):
					word = "again"
				case strings.Contains(line, "does not answer as it should"):
					word = "failed"
				}
				_, problem, _ := strings.Cut(line, "problem=")
				problem, _, _ = strings.Cut(strings.TrimPrefix(problem, `"`), `"`)
				problem, _, _ = strings.Cut(problem, " cause=")
				all = append(all, word+" "+strings.TrimSuffix(strings.TrimSpace(problem), " after"))
			}
			return strings.Join(all, ", ")
		}
		want := func(what, want string) {
			t.Helper()
			if got := lines(); got != want {
				t.Errorf("%s: got %q, want %q", what, got, want)
			}
		}
		tr.Failed("h", "ListStreams", refused)
		tr.Failed("h", "DescribeStream", refused)
		want("one cause of a host, whatever is asked", "failed connection refused")
		tr.Failed("h", "ListStreams", name)
		tr.Failed("other", "ListStreams", refused)
		want("another cause, another host", "failed host name, failed connection refused")
		for range 540 { // nine minutes
			time.Sleep(time.Second)
			tr.Failed("h", "ListStreams", refused)
		}
		want("going on", "")
		time.Sleep(time.Minute)
		tr.Failed("h", "ListStreams", refused)
		want("ten minutes later", "failed connection refused")
		tr.Failed("h", "GetClip", cut)
		tr.Answered("h", "ListFragments")
		if got := text.String(); strings.Count(got, "answers again") != 2 || !strings.Contains(got, "connection cut") {
			t.Errorf("an answer to another call ends what was the host's, refused and name, and no more: %s", got)
		}
		text.Reset()
		tr.Answered("h", "GetClip")
		if got := text.String(); strings.Count(got, "answers again") != 1 || !strings.Contains(got, "connection cut") {
			t.Errorf("an answer to the same call ends the rest: %s", got)
		}
		text.Reset()
		for range 30 { // fails every other time, for half a minute
			tr.Failed("h", "GetClip", cut)
			tr.Answered("h", "GetClip")
			time.Sleep(time.Second)
		}
		want("to and fro", "")
		for _, err := range []error{context.Canceled, fmt.Errorf("x: %w", context.DeadlineExceeded)} {
			if tr.Failed("h", "GetClip", err) {
				t.Errorf("%v is no trouble", err)
			}
		}
	})
}

// TestNobodyListens: a call to an endpoint that refuses connections waits until its deadline and says so, is logged at once
// and once, and fails at once when nothing is to be waited for any more.
func TestNobodyListens(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	cfg, err := kvs.EmulatorConfig("http://"+address, kvs.EmulatorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cfg.HTTPClient = nil
	cfg.RetryMaxAttempts = 1
	var log syncBuffer
	a := newArchive(t, cfg, kvs.Options{Logger: logTo(&log)})
	ask := func(ctx context.Context) error {
		_, err := a.Stream(ctx, "door")
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	begun := time.Now()
	err = ask(ctx)
	if took := time.Since(begun); !errors.Is(err, archive.ErrUnreachable) || !errors.Is(err, syscall.ECONNREFUSED) || took < 1900*time.Millisecond {
		t.Errorf("got %v after %s, want it to wait for the deadline", err, took)
	}
	if n := strings.Count(log.String(), "problem=\"connection refused\""); n != 1 {
		t.Errorf("logged %d times, want once:\n%s", n, log.String())
	}
	long, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	waiting := make(chan error, 1)
	go func() { waiting <- ask(long) }()
	a.GiveUp()
	for range 2 { // one that waits or is about to, and one that comes later
		begun = time.Now()
		if err := <-waiting; !errors.Is(err, archive.ErrNotListening) {
			t.Errorf("when given up: %v", err)
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("given up after %s", took)
		}
		waiting <- ask(long)
	}
}
