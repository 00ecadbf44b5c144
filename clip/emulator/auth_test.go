package emulator_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/wire"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestParseCredentials(t *testing.T) {
	for in, want := range map[string]wire.Credentials{
		"":      {},
		"a:b":   {Key: "a", Secret: "b"},
		"a:b:c": {Key: "a", Secret: "b:c"},
	} {
		if got, err := wire.ParseCredentials(in); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"a", ":b", "a:"} {
		if got, err := wire.ParseCredentials(in); err == nil {
			t.Errorf("%q: %v, want an error", in, got)
		}
	}
}

// Each case signs a request as SDKs do and then spoils it. The answer depends on whether the server has credentials.
func TestSignatures(t *testing.T) {
	const (
		ok         = ""
		missing    = "MissingAuthenticationTokenException"
		incomplete = "IncompleteSignatureException"
		invalid    = "InvalidSignatureException"
		stranger   = "UnrecognizedClientException"
	)
	auth := func(old, now string) func(*client, *http.Request) {
		return func(c *client, r *http.Request) {
			h := r.Header.Get("Authorization")
			if !strings.Contains(h, old) {
				c.t.Fatalf("no %q in %q", old, h)
			}
			r.Header.Set("Authorization", strings.Replace(h, old, now, 1))
		}
	}
	tests := []struct {
		name string
		// client changes how the request is signed, request what is sent.
		client              func(*client)
		request             func(*client, *http.Request)
		accepting, checking string
	}{
		{name: "as it should be"},
		{name: "session token", client: func(c *client) { c.credentials.SessionToken = "session" }},
		{name: "nearly five minutes old", client: func(c *client) { c.skew = -5 * time.Minute }},
		{name: "expired", client: func(c *client) { c.skew = -5*time.Minute - time.Second }, checking: invalid + " Signature expired"},
		{name: "not yet", client: func(c *client) { c.skew = 5*time.Minute + time.Second }, checking: invalid + " Signature not yet current"},
		{name: "wrong key", client: func(c *client) { c.credentials.AccessKeyID = "AKOTHER" }, checking: stranger},
		{name: "wrong secret", client: func(c *client) { c.credentials.SecretAccessKey = "other" }, checking: invalid},
		{name: "other service", client: func(c *client) { c.service = "s3" }, accepting: invalid, checking: invalid},
		{name: "unsigned", request: func(_ *client, r *http.Request) { r.Header.Del("Authorization") }, accepting: missing, checking: missing},
		{name: "other host", request: func(_ *client, r *http.Request) { r.Host = "example.test" }, checking: invalid},
		{name: "other content type", request: func(_ *client, r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, checking: invalid},
		{name: "more query", request: func(_ *client, r *http.Request) { r.URL.RawQuery = "a=b" }, checking: invalid},
		{name: "other region", request: auth("us-east-1", "eu-west-1"), checking: invalid},
		{name: "other day", request: auth("/2000", "/2001"), accepting: invalid, checking: invalid},
		{name: "host not signed", request: auth("host;", ""), accepting: invalid, checking: invalid},
		{name: "other algorithm", request: auth("HMAC-SHA256", "HMAC-SHA1"), accepting: incomplete, checking: incomplete},
		{name: "no signature", request: auth(", Signature=", ", Sig="), accepting: incomplete, checking: incomplete},
		{name: "short signature", request: auth("Signature=", "Signature=0"), accepting: incomplete, checking: incomplete},
		{name: "no equal sign", request: auth("Signature=", "Signature"), accepting: incomplete, checking: incomplete},
		{name: "short scope", request: auth("/aws4_request", ""), accepting: incomplete, checking: incomplete},
		{name: "basic authentication", request: func(_ *client, r *http.Request) { r.SetBasicAuth("a", "b") }, accepting: incomplete, checking: incomplete},
		{name: "no date", request: func(_ *client, r *http.Request) { r.Header.Del("X-Amz-Date") }, accepting: incomplete, checking: incomplete},
	}
	run := func(t *testing.T, o emulator.Options, want func(i int) string) {
		synctest.Test(t, func(t *testing.T) {
			o.NoQuota = true
			for i, tt := range tests {
				c := start(t, o)
				if tt.client != nil {
					tt.client(c)
				}
				req := c.request(c.server.Endpoint(), "/listStreams", []byte("{}"))
				if tt.request != nil {
					tt.request(c, req)
				}
				t.Log(tt.name)
				r := c.do(req)
				if kind, text, _ := strings.Cut(want(i), " "); kind != ok {
					r.wantError(t, http.StatusForbidden, kind, text)
				} else if r.status != http.StatusOK {
					t.Errorf("status %d: %s", r.status, r.body)
				}
			}
		})
	}
	t.Run("accepting", func(t *testing.T) {
		run(t, emulator.Options{}, func(i int) string { return tests[i].accepting })
	})
	t.Run("checking", func(t *testing.T) {
		run(t, emulator.Options{Credentials: wire.Credentials{Key: "AKTEST", Secret: "secret"}},
			func(i int) string { return tests[i].checking })
	})
}

// What is signed is the body, too, and the data listener checks as the control listener does.
func TestSignedBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{Streams: []emulator.Stream{{Name: "a"}},
			Credentials: wire.Credentials{Key: "AKTEST", Secret: "secret"}})
		data := c.endpoint("a", "LIST_FRAGMENTS")
		in := object{"StreamName": "a", "FragmentSelector": selector("PRODUCER_TIMESTAMP", time.Now().Add(-time.Hour), time.Now())}
		c.call(data, "/listFragments", in).into(t, new(object))

		signed := c.request(data, "/listFragments", []byte(`{"StreamName":"a"}`))
		other := c.request(data, "/listFragments", []byte(`{"StreamName":"b"}`))
		other.Header = signed.Header
		c.do(other).wantError(t, http.StatusForbidden, "InvalidSignatureException", "does not match")

		c.credentials = aws.Credentials{AccessKeyID: "AKTEST", SecretAccessKey: "wrong"}
		c.call(data, "/listFragments", object{"StreamName": "a"}).wantError(t, http.StatusForbidden, "InvalidSignatureException", "")
	})
}
