//go:build e2e

package e2e_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clipfs/cmd/internal/harness"
)

// manyConnections is how many connections there are at once, and mayHave how much memory a server may take for them.
const (
	manyConnections = 10_000
	mayHave         = 300 << 20
)

// TestServeManyConnections: of ten thousand connections, from three addresses, a third says nothing, a third has been answered, and a third
// sends a header that does not end. The server takes some memory for each, and goes on to answer whoever comes.
func TestServeManyConnections(t *testing.T) {
	t.Parallel()
	files := uint64(manyConnections + 1000)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur < files { // only root may raise the harder one
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: files, Max: max(files, limit.Max)}); err != nil {
			harness.Skip(t, "no more than %d files may be open: %v", limit.Max, err)
		}
	}
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	w := harness.StartWeb(t, e)
	path := "/testcard/" + longAgo() + "/1m.mp4"
	_, want := fetch(t, http.DefaultClient, w.URL+path)
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	connect := func(n int) {
		for i := len(conns); i < n; i++ {
			c := dialFrom(t, w, fmt.Sprintf("127.0.0.%d", 2+i%3))
			conns = append(conns, c)
			switch i / 3 % 3 {
			case 1:
				_, _ = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-9\r\n\r\n", path)
				if answer, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || answer.StatusCode != http.StatusPartialContent {
					t.Fatalf("connection %d: %v", i, err)
				}
			case 2:
				_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
			}
		}
	}
	before := memoryOf(t, w.PID())
	connect(1000)
	thousand := memoryOf(t, w.PID()) - before
	if thousand > 60<<20 {
		t.Errorf("a thousand connections take %d MB", thousand>>20)
	}
	connect(manyConnections)
	all := memoryOf(t, w.PID()) - before
	if all > mayHave {
		t.Errorf("%d connections take %d MB", manyConnections, all>>20)
	}
	t.Logf("1,000 connections take %d MB, %d take %d MB", thousand>>20, manyConnections, all>>20)
	for _, from := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.9"} {
		c := dialFrom(t, w, from)
		conns = append(conns, c)
		_, _ = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%s: %v", from, err)
			continue
		}
		if body, err := io.ReadAll(answer.Body); err != nil || !bytes.Equal(body, want) {
			t.Errorf("%s: %d of %d bytes, %v", from, len(body), len(want), err)
		}
	}
}

// dialFrom connects to a server from an address of this machine.
func dialFrom(t *testing.T, w *harness.Web, from string) net.Conn {
	t.Helper()
	dialer := net.Dialer{Timeout: 20 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(w.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// TestServeSlowReaders: clients that take nothing of a long clip, whether it is on disk or still comes, hold no memory to speak of, and
// keep nobody waiting.
func TestServeSlowReaders(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off")
	w := harness.StartWeb(t, e, "--opens", "300")
	begun := time.Now().UTC().Add(-6 * time.Hour).Truncate(time.Hour)
	known := "/testcard/" + nameOf(begun) + "/1h.mp4"
	_, want := fetch(t, http.DefaultClient, w.URL+known)
	before := memoryOf(t, w.PID())
	var slow []net.Conn
	defer func() {
		for _, c := range slow {
			_ = c.Close()
		}
	}()
	for i := range 200 {
		c := dialFrom(t, w, "127.0.0.2")
		slow = append(slow, c)
		path := known
		if i%4 == 0 {
			path = "/testcard/" + nameOf(begun.Add(-time.Duration(1+i%3)*time.Hour)) + "/1h.mp4"
		}
		_, _ = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
		if _, err := io.ReadFull(c, make([]byte, 1000)); err != nil {
			t.Fatalf("slow reader %d: %v", i, err)
		}
	}
	answer, body := fetch(t, http.DefaultClient, w.URL+known)
	if answer.StatusCode != http.StatusOK || !bytes.Equal(body, want) {
		t.Errorf("beside them: %s, %d of %d bytes", answer.Status, len(body), len(want))
	}
	grown := memoryOf(t, w.PID()) - before
	if grown > 150<<20 {
		t.Errorf("200 slow readers take %d MB", grown>>20)
	}
	t.Logf("200 slow readers of %d MB take %d MB", len(want)>>20, grown>>20)
}

// TestServeServiceKilled: the service is killed while clients read over HTTP, and comes back. Whoever gets no more sees that, and has right
// bytes; whoever asks again for the rest gets that; and what is on disk is served all the while.
func TestServeServiceKilled(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off")
	w := harness.StartWeb(t, e, "--read-timeout", "5s", "--eager", "0", "--read-ahead", "1MiB") // little is fetched that no reader has read
	base := time.Now().UTC().Add(-5 * time.Hour).Truncate(time.Minute)
	stored := w.URL + "/testcard/" + nameOf(base.Add(-time.Hour)) + "/1m.mp4"
	_, want := fetch(t, http.DefaultClient, stored)
	type got struct {
		url   string
		size  int64
		bytes []byte
		err   error
	}
	const readers = 2
	var begun sync.WaitGroup
	begun.Add(readers)
	killed := make(chan struct{})
	results := make(chan got, readers)
	for i := range readers {
		go func() {
			g := got{url: w.URL + "/testcard/" + nameOf(base.Add(time.Duration(i)*time.Hour)) + "/30m.mp4"}
			defer func() { results <- g }()
			answer, err := http.Get(g.url)
			for deadline := time.Now().Add(time.Minute); err == nil && answer.StatusCode != http.StatusOK && time.Now().Before(deadline); {
				_ = answer.Body.Close() // a busy machine has not begun to answer within --read-timeout
				answer, err = http.Get(g.url)
			}
			if err != nil {
				g.err = err
				begun.Done()
				return
			}
			defer func() { _ = answer.Body.Close() }()
			g.size = answer.ContentLength
			head := make([]byte, 20_000)
			n, err := io.ReadFull(answer.Body, head)
			begun.Done()
			<-killed // 11 MB are more than what connections hold
			rest, rerr := io.ReadAll(answer.Body)
			g.bytes, g.err = append(head[:n], rest...), err
			if g.err == nil {
				g.err = rerr
			}
		}()
	}
	begun.Wait()
	e.Kill(t)
	close(killed)
	if answer, body := fetch(t, http.DefaultClient, stored); answer.StatusCode != http.StatusOK || !bytes.Equal(body, want) {
		t.Errorf("what is on disk, while the service is away: %s, %d bytes", answer.Status, len(body))
	}
	away := w.URL + "/testcard/" + nameOf(base.Add(-30*time.Minute)) + "/1m.mp4"
	if answer, body := fetch(t, http.DefaultClient, away); answer.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("what is not: %s %s", answer.Status, body)
	}
	cut := 0
	var all []got
	for range readers {
		g := <-results
		if g.err != nil {
			cut++
		} else if int64(len(g.bytes)) != g.size {
			t.Errorf("%s: %d of %d bytes, and no error", g.url, len(g.bytes), g.size)
		}
		all = append(all, g)
	}
	if cut == 0 {
		t.Error("no reader was cut off: the service was not needed")
	}
	e.Restart(t)
	for _, g := range all {
		answer, whole := fetch(t, http.DefaultClient, g.url)
		if answer.StatusCode != http.StatusOK || !bytes.HasPrefix(whole, g.bytes) || g.size > 0 && int64(len(whole)) != g.size {
			t.Errorf("%s: %s, %d bytes; before it was %d of %d", g.url, answer.Status, len(whole), len(g.bytes), g.size)
		}
		if len(g.bytes) < len(whole) {
			answer, rest := fetch(t, http.DefaultClient, g.url, "Range", fmt.Sprintf("bytes=%d-", len(g.bytes)))
			if answer.StatusCode != http.StatusPartialContent || !bytes.Equal(rest, whole[len(g.bytes):]) {
				t.Errorf("%s: the rest: %s, %d bytes, want %d", g.url, answer.Status, len(rest), len(whole)-len(g.bytes))
			}
		}
	}
}
