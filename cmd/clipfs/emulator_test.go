package main_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator/control"
	"clipfs/clip/emulator/producer"
	main "clipfs/cmd/clipfs"
	"clipfs/cmd/internal/harness"
)

// ready is what the command says once it is ready.
type ready struct{ Endpoint, DataEndpoint, CA, Page string }

// startEmulator runs the command until the test ends, and gives its endpoint.
func startEmulator(t *testing.T, args ...string) string {
	t.Helper()
	return runEmulator(t, args...).Endpoint
}

// runEmulator runs the command until the test ends, and gives what it says.
func runEmulator(t *testing.T, args ...string) ready {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	lines, stdout := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		code := main.Run(ctx, append([]string{"emulator", "--listen", "127.0.0.1:0"}, args...), stdout, &stderr)
		_ = stdout.Close()
		ended <- code
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("exit code %d, stderr %s", code, &stderr)
		}
	})
	var line ready
	if err := json.NewDecoder(lines).Decode(&line); err != nil {
		t.Fatalf("%v; stderr %s", err, &stderr)
	}
	return line
}

// TestEmulatorReady: the line says where both APIs are, and what to trust.
func TestEmulatorReady(t *testing.T) {
	line := runEmulator(t)
	if !strings.HasPrefix(line.Endpoint, "http://127.0.0.1:") || !strings.HasPrefix(line.DataEndpoint, "http://127.0.0.1:") ||
		line.Endpoint == line.DataEndpoint || line.CA+line.Page != "" {
		t.Errorf("it says %+v", line)
	}
	line = runEmulator(t, "--tls", "--data-host", "localhost")
	client, err := control.New(line.Endpoint, control.Options{CA: line.CA})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Now(t.Context()); err != nil || !strings.HasPrefix(line.DataEndpoint, "https://localhost:") {
		t.Errorf("it says %+v: %v", line, err)
	}
}

// TestEmulatorServe: the page shows the streams, and clips of them, also where calls are signed and encrypted; what comes in is seen.
func TestEmulatorServe(t *testing.T) {
	for name, args := range map[string][]string{
		"plain": nil,
		"tls":   {"--tls", "--credentials", "AKTEST:secret", "--region", "eu-west-1"},
	} {
		t.Run(name, func(t *testing.T) {
			line := runEmulator(t, append([]string{"--serve", "127.0.0.1:0", "--quota", "off", "--stream", "door=testcard"}, args...)...)
			get := func(path string) (int, string) {
				t.Helper()
				resp, err := http.Get(line.Page + path)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = resp.Body.Close() }()
				text, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				return resp.StatusCode, string(text)
			}
			if status, text := get(""); status != http.StatusOK || !strings.Contains(text, "door") {
				t.Errorf("page: %d %s", status, text)
			}
			at := time.Now().UTC().Add(-time.Hour).Truncate(time.Minute).Format("2006-01-02T15:04")
			if status, text := get("door/" + at + "/10s.mp4"); status != http.StatusOK || !strings.Contains(text, "ftyp") {
				t.Errorf("clip: %d, %d bytes", status, len(text))
			}
		})
	}
	if code, _, stderr := invoke(t, "emulator", "--listen", "127.0.0.1:0", "--serve", "nowhere"); code != 2 || !strings.Contains(stderr, "nowhere") {
		t.Errorf("no address: exit code %d, %s", code, stderr)
	}
}

// TestEmulatorTLS: clients that trust what the emulator writes, or the certificate that it is given, can use it.
func TestEmulatorTLS(t *testing.T) {
	written := filepath.Join(t.TempDir(), "ca.pem")
	certificate, key := harness.Certificate(t, t.TempDir(), "emulator")
	for trust, args := range map[string][]string{
		written:     {"--tls", "--tls-ca", written},
		certificate: {"--tls", "--tls-cert", certificate, "--tls-key", key},
	} {
		endpoint := startEmulator(t, args...)
		trusted := x509.NewCertPool()
		text, err := os.ReadFile(trust)
		if err != nil || !trusted.AppendCertsFromPEM(text) {
			t.Fatalf("%s: %v, %q", trust, err, text)
		}
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get(endpoint + "/_emulator/calls")
		if err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		_ = resp.Body.Close()
		if !strings.HasPrefix(endpoint, "https://127.0.0.1:") || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", endpoint, resp.StatusCode)
		}
	}
}

// TestEmulatorPut: a file, the test card and a pipe of Matroska come into a stream, over TLS too, and are told of as they do.
func TestEmulatorPut(t *testing.T) {
	written := filepath.Join(t.TempDir(), "ca.pem")
	endpoint := startEmulator(t, "--tls", "--tls-ca", written, "--quota", "off")
	t.Setenv("AWS_CA_BUNDLE", written)
	from := time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)
	var media bytes.Buffer
	if err := producer.WriteTestCard(&media, from, from.Add(10*time.Second)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "door.mkv")
	if err := os.WriteFile(file, media.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"file":        {file, "--stream", "door", "--start", "2024-01-01T10:00:00Z", "--rate", "max"},
		"file of now": {file, "--stream", "yard", "--rate", "max"},
		"test card":   {"testcard", "--stream", "card", "--start", "2024-01-01T10:00:00Z", "--rate", "max"},
	} {
		code, stdout, stderr := invoke(t, append([]string{"emulator", "put", "--endpoint-url", endpoint}, args...)...)
		lines := regexp.MustCompile(`(?m)^PERSISTED (\S+) [0-9]{47}$`).FindAllStringSubmatch(stdout, -1)
		if code != 0 || len(lines) < 5 || !strings.Contains(stderr, "stream made") || !strings.Contains(stderr, fmt.Sprintf("fragments=%d", len(lines))) {
			t.Errorf("%s: exit code %d, %d persisted, stderr %s", name, code, len(lines), stderr)
			continue
		}
		if slices.Contains(args, "--start") && lines[0][1] != "2024-01-01T10:00:00.000Z" {
			t.Errorf("%s: the first is of %s", name, lines[0][1])
		}
		for _, event := range []string{"BUFFERING", "RECEIVED"} {
			if got := strings.Count(stdout, event+" 20"); got != len(lines) {
				t.Errorf("%s: %d of %s, want %d", name, got, event, len(lines))
			}
		}
	}
	// Where the stream is there, it is not made.
	if code, _, stderr := invoke(t, "emulator", "put", "--endpoint-url", endpoint, file, "--stream", "door", "--rate", "max"); code != 0 || strings.Contains(stderr, "stream made") {
		t.Errorf("again: exit code %d, %s", code, stderr)
	}
	if code, _, stderr := invoke(t, "emulator", "put", "--endpoint-url", endpoint, "/nowhere.mkv", "--stream", "door"); code != 1 || !strings.Contains(stderr, "nowhere.mkv") {
		t.Errorf("without a file: exit code %d, %s", code, stderr)
	}
	t.Setenv("AWS_CA_BUNDLE", "")
	if code, _, stderr := invoke(t, "emulator", "put", "--endpoint-url", endpoint, file, "--stream", "door"); code != 1 || !strings.Contains(stderr, "certificate") {
		t.Errorf("without trust: exit code %d, %s", code, stderr)
	}
}

// TestEmulatorPutPipe: what comes over standard input is sent as it comes; its times count from --start.
func TestEmulatorPutPipe(t *testing.T) {
	endpoint := startEmulator(t, "--quota", "off", "--credentials", "AKTEST:secret")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKTEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin := os.Stdin
	os.Stdin = read
	defer func() { os.Stdin = stdin }()
	go func() {
		zero := time.Unix(0, 0)
		_ = producer.WriteTestCard(write, zero, zero.Add(10*time.Second)) // what is missing is missed below
		_ = write.Close()
	}()
	code, stdout, stderr := invoke(t, "emulator", "put", "-", "--endpoint-url", endpoint, "--stream", "gate", "--start", "2024-01-01T10:00:00Z")
	for _, want := range []string{"PERSISTED 2024-01-01T10:00:00.000Z ", "PERSISTED 2024-01-01T10:00:08.000Z "} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("exit code %d, no %q in %s, stderr %s", code, want, stdout, stderr)
		}
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "other")
	if code, _, stderr := invoke(t, "emulator", "put", "testcard", "--endpoint-url", endpoint, "--stream", "gate"); code != 1 || !strings.Contains(stderr, "InvalidSignatureException") {
		t.Errorf("another secret: exit code %d, %s", code, stderr)
	}
}

// TestEmulatorPutLoop: a file that is sent again and again ends when the command is interrupted, and that is no error.
func TestEmulatorPutLoop(t *testing.T) {
	t.Parallel() // it waits for the most part
	endpoint := startEmulator(t)
	ctx, cancel := context.WithCancel(t.Context())
	lines, stdout := io.Pipe()
	ended := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		code := main.Run(ctx, []string{"emulator", "put", "testcard", "--loop", "--stream", "card", "--endpoint-url", endpoint}, stdout, &stderr)
		_ = stdout.Close()
		ended <- code
	}()
	for reader := bufio.NewReader(lines); ; {
		line, err := reader.ReadString('\n')
		if err != nil {
			t.Fatalf("%v, stderr %s", err, &stderr)
		}
		if strings.HasPrefix(line, "PERSISTED ") {
			break
		}
	}
	cancel()
	_, _ = io.Copy(io.Discard, lines)
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d, stderr %s", code, &stderr)
	}
}

// TestEmulatorHelp: the help says which faults the operations take.
func TestEmulatorHelp(t *testing.T) {
	_, stdout, _ := invoke(t, "emulator", "--help")
	for _, want := range []string{"  GetClip        also aged differ lie\n", "  ListStreams    also endless\n",
		"  PutMedia       only close deleted denied expired failure idle refuse reset skew stall status throttle unpersisted\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("help does not say %q:\n%s", want, stdout)
		}
	}
}
