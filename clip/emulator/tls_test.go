package emulator_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/authority"
	camera "clipfs/clip/emulator/producer"
)

// startEncrypted runs a server whose certificates are an authority's, on the loopback interface, and gives a client that
// trusts the authority, and the certificate to trust.
func startEncrypted(t *testing.T, o emulator.Options) (*client, []byte) {
	t.Helper()
	a, err := authority.New()
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(a.PEM()) {
		t.Fatal("no certificate in the PEM")
	}
	o.TLS, o.Address = a.Config(), "127.0.0.1:0"
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port)) // whatever the name
	}
	return startOn(t, o, &http.Transport{DisableCompression: true, DialContext: dial, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{RootCAs: trusted}}), a.PEM()
}

// TestTLS: both listeners speak TLS, by address and by name, to clients that trust the authority; media goes in and comes out.
func TestTLS(t *testing.T) {
	for _, host := range []string{"", "media.kinesis.test"} {
		c, _ := startEncrypted(t, emulator.Options{DataHost: host, Retention: 48 * time.Hour, Streams: []emulator.Stream{{Name: "a"}}})
		data := c.endpoint("a", "GET_CLIP")
		if want := "https://" + host; !strings.HasPrefix(c.server.Endpoint(), "https://127.0.0.1:") || !strings.HasPrefix(data, want) {
			t.Fatalf("endpoints %s and %s, want https and %s", c.server.Endpoint(), data, want)
		}
		from := time.Now().UTC().Add(-time.Hour).Truncate(2 * time.Second)
		acks, err := camera.PutTestCard(t.Context(), c.server.Endpoint(), "a", from, from.Add(10*time.Second), camera.Options{HTTP: c.http})
		if err != nil || len(camera.Numbers(acks)) != 5 {
			t.Fatalf("%d persisted, %v", len(camera.Numbers(acks)), err)
		}
		r := c.clip(data, "a", producer, from, from.Add(9*time.Second))
		if r.status != http.StatusOK || len(r.body) < 10_000 {
			t.Errorf("clip: %d, %d bytes", r.status, len(r.body))
		}
		// The control API by a name, too.
		_, port, _ := net.SplitHostPort(strings.TrimPrefix(c.server.Endpoint(), "https://"))
		c.call("https://control.test:"+port, "/describeStream", object{"StreamName": "a"}).into(t, new(object))

		req := c.request(c.server.Endpoint(), "/listStreams", nil)
		resp, err := http.DefaultClient.Do(req)
		var unknown x509.UnknownAuthorityError
		if err == nil {
			_ = resp.Body.Close()
		}
		if !errors.As(err, &unknown) {
			t.Errorf("a client that does not trust the authority: %v", err)
		}
		plain := c.request("http"+strings.TrimPrefix(c.server.Endpoint(), "https"), "/listStreams", nil)
		if r := c.do(plain); r.status != http.StatusBadRequest {
			t.Errorf("without TLS: %d %s", r.status, r.body)
		}
	}
}

// TestFaultsOfEncryptedConnections: connections are cut off, stay away and are refused as those without TLS are.
func TestFaultsOfEncryptedConnections(t *testing.T) {
	encrypted, _ := startEncrypted(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "door", Source: card(t)}}})
	from := time.Now().Add(-time.Hour).Truncate(2 * time.Second)
	c := &faulty{encrypted, from, from.Add(9 * time.Second)}
	for _, test := range []struct {
		rule string
		is   error
		came int
	}{
		{"kind=reset,api=GetClip", syscall.ECONNRESET, 0},
		{"kind=close,api=GetClip", io.EOF, 0},
		{"kind=close,api=GetClip,at=12345", io.ErrUnexpectedEOF, 12345},
		{"kind=refuse,api=GetClip", syscall.ECONNREFUSED, 0},
	} {
		c.set(t, test.rule)
		if got, err := c.try(t, "door"); !errors.Is(err, test.is) || len(got.body) != test.came {
			t.Errorf("%s: %d bytes, %v", test.rule, len(got.body), err)
		}
	}
	c.set(t)
	if got, err := c.try(t, "door"); err != nil || got.status != http.StatusOK {
		t.Errorf("afterwards: %d, %v", got.status, err)
	}
	// Calls after a door was shut come over connections that were idle when it was: they are closed.
	c.set(t, "kind=refuse,api=GetClip,for=1h")
	if _, err := c.try(t, "door"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("over a connection that was idle: %v", err)
	}
}
