//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// fetch asks a server, and gives the answer with its body read.
func fetch(t *testing.T, client *http.Client, url string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, body
}

// TestServeAndMount: a mount that is served over HTTP too gives the same bytes on both, for one call, and both tell the
// same errors.
func TestServeAndMount(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e, "--serve", "127.0.0.1:0")
	url := m.WebURL(t)
	for _, name := range []string{"1m.mp4", "5m.mp4", "1m.json", "1m.times.json"} {
		path := "testcard/" + longAgo() + "/" + name
		answer, got := fetch(t, http.DefaultClient, url+"/"+path)
		want, err := os.ReadFile(m.Join(path))
		if err != nil || answer.StatusCode != http.StatusOK || !bytes.Equal(got, want) {
			t.Errorf("%s: %d with %d bytes, the mount has %d, %v", name, answer.StatusCode, len(got), len(want), err)
		}
		part, err := exec.CommandContext(t.Context(), "curl", "-sSf", "-r", "100-299", url+"/"+path).Output()
		if err != nil || !bytes.Equal(part, want[100:min(300, len(want))]) {
			t.Errorf("%s: curl of a range: %d bytes, %v", name, len(part), err)
		}
	}
	if n := e.Calls(t, "GetClip"); n > 6 { // 1m.mp4 once, and the parts of 5m.mp4
		t.Errorf("%d GetClip calls for what both read", n)
	}
	for path, want := range map[string]int{
		"/testcard/1970-01-01T00:00/1m.mp4": 404, "/nobody/": 404, "/testcard/10min.mp4": 404, "/testcard/" + longAgo() + "/1m.mp4?x": 200,
		"/.clipfs/status.json": 404,
	} {
		if answer, body := fetch(t, http.DefaultClient, url+path); answer.StatusCode != want {
			t.Errorf("%s: %d, want %d: %s", path, answer.StatusCode, want, body)
		}
	}
	metrics := m.Log()
	if !strings.Contains(metrics, "msg=request method=GET") {
		t.Error("requests are not in the log at debug")
	}
}

// TestServePlays: ffmpeg plays a clip from a server and seeks in it, and 64 clients of a cold clip cost one call.
func TestServePlays(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--latency", "100ms")
	w := harness.StartWeb(t, e, "--opens", "64")
	url := w.URL + "/testcard/" + longAgo() + "/"
	harness.Run(t, "ffmpeg", "-nostdin", "-v", "error", "-ss", "250", "-i", url+"5m.mp4", "-frames:v", "10", "-f", "null", "-")
	before := e.Calls(t, "GetClip")
	var all sync.WaitGroup
	sizes := make([]int, 64)
	for i := range sizes {
		all.Go(func() {
			answer, err := http.Get(url + "90s.mp4")
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = answer.Body.Close() }()
			n, err := io.Copy(io.Discard, answer.Body)
			if err != nil || answer.StatusCode != http.StatusOK {
				t.Errorf("%d, %v", answer.StatusCode, err)
			}
			sizes[i] = int(n)
		})
	}
	all.Wait()
	for _, n := range sizes {
		if n != sizes[0] || n == 0 {
			t.Fatalf("sizes %v", sizes)
		}
	}
	if n := e.Calls(t, "GetClip") - before; n > 2 { // a minute is there, or half of one has to come
		t.Errorf("%d GetClip calls for 64 clients of a clip", n)
	}
	listed := e.Calls(t, "GetClip")
	for _, path := range []string{"/", "/testcard/", "/testcard/" + time.Now().UTC().Add(-24*time.Hour).Format(time.DateOnly) + "/"} {
		if answer, body := fetch(t, http.DefaultClient, w.URL+path, "Accept", "application/json"); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, answer.StatusCode, body)
		}
	}
	if n := e.Calls(t, "GetClip") - listed; n != 0 {
		t.Errorf("listings cost %d GetClip calls", n)
	}
}

// TestWebDAV: rclone, cadaver and davfs2 copy cold clips right.
func TestWebDAV(t *testing.T) {
	t.Parallel()
	harness.Need(t, "rclone", "cadaver", "mount.davfs", "umount.davfs")
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	w := harness.StartWeb(t, e, "--names", "basic", "--exact-sizes", "--list", "1m,2m")
	dir := t.TempDir()
	at := time.Now().UTC().Add(-3 * time.Hour).Truncate(time.Minute).Format("20060102T1504")
	remote := "/testcard/" + at + "/"
	check := func(client, file, name string) {
		t.Helper()
		got, err := os.ReadFile(file)
		_, want := fetch(t, http.DefaultClient, w.URL+remote+name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s copied %d bytes of %s, want %d: %v", client, len(got), name, len(want), err)
		}
	}
	file := filepath.Join(dir, "rclone.mp4")
	harness.Run(t, "rclone", "--config", "/dev/null", "--webdav-url", w.URL, "copyto", ":webdav:"+remote[1:]+"1m.mp4", file)
	check("rclone", file, "1m.mp4")
	harness.Run(t, "rclone", "--config", "/dev/null", "--webdav-url", w.URL, "copy", "--include", "*m.mp4", ":webdav:"+remote[1:], filepath.Join(dir, "rclone"))
	check("rclone of a directory", filepath.Join(dir, "rclone", "2m.mp4"), "2m.mp4")

	cadaver := exec.CommandContext(t.Context(), "cadaver", w.URL+"/testcard/")
	cadaver.Dir, cadaver.Env = dir, append(os.Environ(), "HOME="+dir)
	cadaver.Stdin = strings.NewReader("ls\ncd " + at + "\nls\nget 2m.mp4 cadaver.mp4\nquit\n")
	if out, err := cadaver.CombinedOutput(); err != nil || !strings.Contains(string(out), "2m.mp4") {
		t.Errorf("cadaver: %v: %s", err, out)
	}
	check("cadaver", filepath.Join(dir, "cadaver.mp4"), "2m.mp4")

	if os.Geteuid() != 0 {
		harness.Skip(t, "davfs2 mounts as root only")
	}
	mountpoint := filepath.Join(dir, "dav")
	conf := filepath.Join(dir, "davfs2.conf")
	if err := os.Mkdir(mountpoint, 0o755); err != nil {
		t.Fatal(err)
	}
	cache, err := os.MkdirTemp("", "davfs2-") // its user does not get into the test's directory
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(cache) })
	if err := os.Chmod(cache, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(conf, []byte("ask_auth 0\nuse_locks 0\ncache_dir "+cache+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	harness.Run(t, "mount.davfs", "-o", "ro,conf="+conf, w.URL+"/", mountpoint)
	t.Cleanup(func() {
		if out, err := exec.Command("umount.davfs", mountpoint).CombinedOutput(); err != nil {
			t.Errorf("umount.davfs: %v: %s", err, out)
		}
	})
	copied := filepath.Join(dir, "davfs.mp4")
	// It knows what directories list, and no other names.
	harness.Run(t, "cp", mountpoint+"/testcard/"+at[:8]+"/"+at[:11]+"/"+at+"/2m.mp4", copied)
	check("davfs2", copied, "2m.mp4")
}

// TestServeSafely: with a password file, a certificate that is renewed, and a name, as it would be served to others.
func TestServeSafely(t *testing.T) {
	t.Parallel()
	harness.Need(t, "htpasswd")
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	dir := t.TempDir()
	passwords := filepath.Join(dir, "htpasswd")
	harness.Run(t, "htpasswd", "-B", "-b", "-c", passwords, "ann", "secret")
	certificate, key := harness.Certificate(t, dir, "first")
	w := harness.StartWeb(t, e, "--auth", passwords, "--tls-cert", certificate, "--tls-key", key, "--host", "cameras.example")
	ask := func(name, password, host string) (status int, by string) {
		t.Helper()
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // it is one of its own
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(name, password)
		r.Host = host
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode, answer.TLS.PeerCertificates[0].Subject.CommonName
	}
	if status, by := ask("ann", "secret", "cameras.example"); status != http.StatusOK || by != "first" {
		t.Errorf("the right password: %d by %s", status, by)
	}
	if status, _ := ask("ann", "wrong", "cameras.example"); status != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d", status)
	}
	if status, _ := ask("ann", "secret", "evil.example"); status != http.StatusMisdirectedRequest {
		t.Errorf("another host: %d", status)
	}
	harness.Certificate(t, dir, "second")
	if status, by := ask("ann", "secret", "localhost"); status != http.StatusOK || by != "second" {
		t.Errorf("after the certificate was renewed: %d by %s", status, by)
	}
	if log := w.Log(); strings.Contains(log, "secret") || strings.Contains(log, "$2y$") {
		t.Errorf("a secret is in the log: %s", log)
	}
	for _, row := range []struct{ flags, says string }{
		{"0.0.0.0:0", "say who may look with --auth FILE, or --no-auth"},
		{"--auth " + passwords + " 0.0.0.0:0", "takes passwords without encryption"},
		{"--tls-cert " + certificate + " 127.0.0.1:0", "belong together"},
		{"--auth " + passwords + " --no-auth 127.0.0.1:0", "exclude each other"},
		{"--base-path cameras 127.0.0.1:0", "want a path such as /cameras"},
		{"8080", "want HOST:PORT"},
	} {
		out, err := exec.CommandContext(t.Context(), harness.Binary(t), append([]string{"serve", "--endpoint-url", e.Endpoint}, strings.Fields(row.flags)...)...).CombinedOutput()
		if code := exitCode(err); code != 2 || !strings.Contains(string(out), row.says) {
			t.Errorf("serve %s: exit code %d, %s", row.flags, code, out)
		}
	}
}

// exitCode is that of a program.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // exec gives it as it is
		return exit.ExitCode()
	}
	return -1
}

// TestServeEnds: what is under way when the signal comes is answered to its end, and nothing new is taken.
func TestServeEnds(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--bandwidth", "400KB/s")
	w := harness.StartWeb(t, e, "--grace", "20s")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/testcard/"+longAgo()+"/2m.mp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Stop(t, syscall.SIGTERM)
	}()
	eventually(t, "nothing new is taken", func() bool {
		conn, err := net.DialTimeout("tcp", strings.TrimPrefix(w.URL, "http://"), time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	n, err := io.Copy(io.Discard, answer.Body)
	if want, _ := strconv.ParseInt(answer.Header.Get("Content-Length"), 10, 64); err != nil || n != want {
		t.Errorf("%d of %d bytes, %v", n, want, err)
	}
	<-ended
	if !strings.Contains(w.Log(), "msg=ended") {
		t.Errorf("it did not end well: %s", w.Log())
	}
}

// TestServeUnderStrain: a thousand connections that say nothing, headers that never end and bodies that nobody reads
// neither keep others waiting nor cost much.
func TestServeUnderStrain(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	w := harness.StartWeb(t, e)
	address := strings.TrimPrefix(w.URL, "http://")
	url := w.URL + "/testcard/" + longAgo() + "/1m.mp4"
	fetch(t, http.DefaultClient, url)
	before := memoryOf(t, w.PID())
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for i := range 1000 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		switch i % 3 {
		case 1:
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
		case 2:
			_, _ = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", strings.TrimPrefix(url, w.URL))
		}
	}
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		r, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("beside them: %v", err)
		}
		if err == nil {
			_ = answer.Body.Close()
		}
		cancel()
	}
	if grown := memoryOf(t, w.PID()) - before; grown > 300<<20 {
		t.Errorf("a thousand connections take %d MB", grown>>20)
	}
	for name, request := range map[string]string{
		"a header of 100 KB":  "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n",
		"a line that is none": "GET\r\n\r\n",
		"two lengths":         "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
		"a smuggled request":  "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
	} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(c, request)
		answer := make([]byte, 1000)
		n, _ := c.Read(answer)
		if status := string(answer[:n]); !strings.HasPrefix(status, "HTTP/1.1 4") && !strings.HasPrefix(status, "HTTP/1.1 200") && n > 0 {
			t.Errorf("%s: %s", name, status)
		}
		_ = c.Close()
	}
}

// memoryOf is how much memory a process has, in bytes.
func memoryOf(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	var kb int64
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
