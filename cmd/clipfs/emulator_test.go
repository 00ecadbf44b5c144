package main_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	main "clipfs/cmd/clipfs"
)

// startEmulator runs the command until the test ends, and gives its endpoint.
func startEmulator(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, stdout := io.Pipe()
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
	var line struct{ Endpoint string }
	if err := json.NewDecoder(ready).Decode(&line); err != nil {
		t.Fatalf("%v; stderr %s", err, &stderr)
	}
	return line.Endpoint
}

// writeCertificate makes a certificate for the loopback interface, and gives the files of it and of its key.
func writeCertificate(t *testing.T) (certificate, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	public, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: public}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// TestEmulatorTLS: clients that trust what the emulator writes, or the certificate that it is given, can use it.
func TestEmulatorTLS(t *testing.T) {
	written := filepath.Join(t.TempDir(), "ca.pem")
	certificate, key := writeCertificate(t)
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
