package emulator_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/wire"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
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

// TestRegions: streams have names in the region that a client signs for, in the account of the options. Where credentials are
// for one region, signatures for others are refused.
func TestRegions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Account: "123456789012", Streams: []emulator.Stream{{Name: "a"}}})
		arns := make(map[string]string)
		for region, want := range map[string]string{
			"us-east-1": "arn:aws:kinesisvideo:us-east-1:123456789012:stream/a/", "eu-west-1": "arn:aws:kinesisvideo:eu-west-1:123456789012:stream/a/",
			"cn-north-1": "arn:aws-cn:kinesisvideo:cn-north-1:123456789012:stream/a/", "us-gov-west-1": "arn:aws-us-gov:kinesisvideo:us-gov-west-1:123456789012:stream/a/",
		} {
			c.region = region
			var out struct {
				StreamInfo struct {
					StreamARN string
					KMSKeyID  string `json:"KmsKeyId"`
				}
			}
			c.control("/describeStream", object{"StreamName": "a"}).into(t, &out)
			key := strings.Replace(want, "kinesisvideo", "kms", 1)
			key = strings.Replace(key, "stream/a/", "alias/aws/kinesisvideo", 1)
			if got := out.StreamInfo; !strings.HasPrefix(got.StreamARN, want) || got.KMSKeyID != key {
				t.Errorf("%s: %+v, want %s and %s", region, got, want, key)
			}
			arns[region] = out.StreamInfo.StreamARN
			var listed struct{ StreamInfoList []info }
			c.control("/listStreams", object{}).into(t, &listed)
			if len(listed.StreamInfoList) != 1 || listed.StreamInfoList[0].StreamARN != arns[region] {
				t.Errorf("%s: listed %+v", region, listed)
			}
			c.call(c.endpoint("a", "LIST_FRAGMENTS"), "/listFragments", object{"StreamARN": arns[region], "FragmentSelector": selector(producer, time.Now(), time.Now())}).into(t, new(object))
		}
		c.region = "us-east-1"
		for region, arn := range arns {
			r := c.control("/describeStream", object{"StreamARN": arn})
			if region == c.region {
				r.into(t, new(object))
			} else {
				r.wantError(t, http.StatusNotFound, "ResourceNotFoundException", "")
			}
		}

		checking := start(t, emulator.Options{Credentials: wire.Credentials{Key: "AKTEST", Secret: "secret", Region: "eu-west-1"}})
		checking.control("/listStreams", object{}).
			wantError(t, http.StatusForbidden, "InvalidSignatureException", "Credential should be scoped to a valid region, not 'us-east-1'.")
		checking.region = "eu-west-1"
		checking.control("/listStreams", object{}).into(t, new(object))
		checking.service = "s3"
		checking.control("/listStreams", object{}).
			wantError(t, http.StatusForbidden, "InvalidSignatureException", "Credential should be scoped to correct service: 'kinesisvideo'.")
	})
}

// TestPresigned: a request that was signed for somebody else to send is verified as any other is.
func TestPresigned(t *testing.T) {
	const invalid, incomplete = "InvalidSignatureException", "IncompleteSignatureException"
	tests := []struct {
		name, secret string
		body         string
		after        time.Duration
		spoil        func(url.Values)
		kind, text   string
	}{
		{name: "as it should be"},
		{name: "in its last second", after: 10 * time.Minute},
		{name: "expired", after: 10*time.Minute + time.Second, kind: invalid, text: "Signature expired: 20000101T000000Z is now earlier than 20000101T000001Z (20000101T001001Z - 10 min.)"},
		{name: "wrong secret", secret: "other", kind: invalid, text: "does not match"},
		{name: "other body", body: `{"MaxResults":2}`, kind: invalid, text: "does not match"},
		{name: "other query", spoil: func(q url.Values) { q.Set("a", "b") }, kind: invalid, text: "does not match"},
		{name: "longer", spoil: func(q url.Values) { q.Set("X-Amz-Expires", "700") }, kind: invalid, text: "does not match"},
		{name: "more than a week", spoil: func(q url.Values) { q.Set("X-Amz-Expires", "604801") }, kind: incomplete, text: "X-Amz-Expires"},
		{name: "for no time", spoil: func(q url.Values) { q.Set("X-Amz-Expires", "0") }, kind: incomplete, text: "X-Amz-Expires"},
		{name: "no signature", spoil: func(q url.Values) { q.Del("X-Amz-Signature") }, kind: incomplete, text: "X-Amz-Signature"},
		{name: "other algorithm", spoil: func(q url.Values) { q.Set("X-Amz-Algorithm", "HMAC") }, kind: incomplete, text: "algorithm"},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			c := start(t, emulator.Options{Credentials: wire.Credentials{Key: "AKTEST", Secret: "secret"}})
			if tt.secret != "" {
				c.credentials.SecretAccessKey = tt.secret
			}
			body := []byte(`{"MaxResults":1}`)
			sum := sha256.Sum256(body)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.server.Endpoint()+"/listStreams?X-Amz-Expires=600", nil)
			if err != nil {
				t.Fatal(err)
			}
			signed, header, err := v4.NewSigner().PresignHTTP(t.Context(), c.credentials, req, hex.EncodeToString(sum[:]), c.service, c.region, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			to, err := url.Parse(signed)
			if err != nil {
				t.Fatal(err)
			}
			if tt.spoil != nil {
				query := to.Query()
				tt.spoil(query)
				to.RawQuery = query.Encode()
			}
			if tt.body != "" {
				body = []byte(tt.body)
			}
			sent, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to.String(), bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(sent.Header, header)
			time.Sleep(tt.after)
			t.Log(tt.name)
			if r := c.do(sent); tt.kind != "" {
				r.wantError(t, http.StatusForbidden, tt.kind, tt.text)
			} else {
				r.into(t, new(object))
			}
		})
	}
}
