package kvs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

// echoes are the ways in which a service may quote the headers of a request.
func echoes() map[string]func(w http.ResponseWriter, header http.Header) {
	all := func(h http.Header) string {
		return fmt.Sprintf("%s %s", h.Get("X-Amz-Security-Token"), h.Get("Authorization"))
	}
	signature := func(h http.Header) string {
		_, signature, _ := strings.Cut(h.Get("Authorization"), "Signature=")
		return signature
	}
	return map[string]func(http.ResponseWriter, http.Header){
		"message": func(w http.ResponseWriter, h http.Header) { fail(w, 400, "InvalidArgumentException", all(h)) },
		"token alone": func(w http.ResponseWriter, h http.Header) {
			fail(w, 403, "ExpiredTokenException", "the token "+h.Get("X-Amz-Security-Token")+" has expired")
		},
		"token escaped": func(w http.ResponseWriter, h http.Header) {
			fail(w, 403, "ExpiredTokenException", url.QueryEscape(h.Get("X-Amz-Security-Token")))
		},
		"signature alone": func(w http.ResponseWriter, h http.Header) { fail(w, 403, "Odd", "no match: "+signature(h)) },
		"token across the end of what is kept": func(w http.ResponseWriter, h http.Header) {
			fail(w, 400, "Odd", strings.Repeat(". ", 252)+h.Get("X-Amz-Security-Token"))
		},
		"code": func(w http.ResponseWriter, h http.Header) { fail(w, 400, h.Get("X-Amz-Security-Token"), "x") },
		"XML": func(w http.ResponseWriter, h http.Header) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, "<%s><Message>%s</Message></%[1]s>", "E", all(h))
		},
		"HTML": func(w http.ResponseWriter, h http.Header) {
			w.Header().Set("Content-Type", "text/html; charset="+h.Get("X-Amz-Security-Token"))
			_, _ = io.WriteString(w, "<html>"+all(h))
		},
		"request ID": func(w http.ResponseWriter, h http.Header) {
			w.Header().Set("X-Amzn-RequestId", h.Get("X-Amz-Security-Token"))
			w.WriteHeader(http.StatusBadRequest)
		},
		"request ID of what went well": func(w http.ResponseWriter, h http.Header) {
			w.Header().Set("X-Amzn-RequestId", signature(h))
			clipBody(w, "media")
		},
		"redirect": func(w http.ResponseWriter, h http.Header) {
			w.Header().Set("Location", "https://example.com/?token="+h.Get("X-Amz-Security-Token"))
			w.WriteHeader(http.StatusTemporaryRedirect)
			_, _ = io.WriteString(w, all(h))
		},
	}
}

// TestQuotedHeaders: whichever way a service quotes what it was sent, no secret is in an error or in the log.
func TestQuotedHeaders(t *testing.T) {
	for name, echo := range echoes() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				answer := func(w http.ResponseWriter, r request, _ int) { echo(w, r.header) }
				s.answers["/getClip"], s.answers["/describeStream"] = answer, answer
				log := &syncBuffer{}
				_, err := fetch(impatient(t), newArchive(t, config(s), kvs.Options{Logger: logTo(log)}))
				if s.count("/getClip") == 0 {
					t.Fatal("nothing was sent")
				}
				header := s.last(t, "/getClip").header
				_, signature, _ := strings.Cut(header.Get("Authorization"), "Signature=")
				if len(signature) != 64 || header.Get("X-Amz-Security-Token") != sessionToken {
					t.Fatalf("sent %v", header)
				}
				text := fmt.Sprintf("%v %+v %q\n%s", err, err, err, log)
				for _, secret := range []string{secretKey, sessionToken, sessionToken[:8], signature, "AWS4-HMAC"} {
					if strings.Contains(text, secret) {
						t.Errorf("%q has left in %s", secret, text)
					}
				}
			})
		})
	}
}

// TestEndpointWithAToken: neither does what is said of an endpoint that is refused.
func TestEndpointWithAToken(t *testing.T) {
	s := newService()
	s.answers["/getDataEndpoint"] = func(w http.ResponseWriter, r request, _ int) {
		_, _ = fmt.Fprintf(w, `{"DataEndpoint":"ftp://%s.example.com/"}`, r.header.Get("X-Amz-Security-Token"))
	}
	_, err := fetch(t.Context(), newArchive(t, config(s), kvs.Options{}))
	if !errors.Is(err, kvs.ErrEndpoint) || strings.Contains(err.Error(), sessionToken) {
		t.Errorf("got %v, want ErrEndpoint without the token", err)
	}
}

// TestCredentialProcessIsNotQuoted: what a broken credential_process prints may be half of a secret.
func TestCredentialProcessIsNotQuoted(t *testing.T) {
	cfg := config(newService())
	cfg.Credentials = processcreds.NewProvider(`echo '{"SecretAccessKey":"` + secretKey + `"'`)
	_, err := fetch(t.Context(), newArchive(t, cfg, kvs.Options{}))
	if !errors.Is(err, archive.ErrDenied) || !strings.Contains(err.Error(), "credential_process") || strings.Contains(err.Error(), secretKey) {
		t.Errorf("got %v, want that the process did not print credentials", err)
	}
}

// TestControlEndpointIsEncrypted: plain text goes to this machine only, unless it is asked for.
func TestControlEndpointIsEncrypted(t *testing.T) {
	for endpoint, ok := range map[string]bool{
		"http://127.0.0.1:4580": true, "http://[::1]:4580": true, "http://localhost:4580": true, "https://example.com": true,
		"http://example.com": false, "http://127.0.0.1.example.com": false, "http://10.0.0.1:4580": false, "http://0.0.0.0:4580": false,
	} {
		cfg := config(newService())
		cfg.BaseEndpoint = aws.String(endpoint)
		if _, err := kvs.New(cfg, kvs.Options{}); (err == nil) != ok || err != nil && !errors.Is(err, kvs.ErrInsecure) {
			t.Errorf("%s: got %v, want ok %t", endpoint, err, ok)
		}
		if _, err := kvs.New(cfg, kvs.Options{InsecureEndpoint: true}); err != nil {
			t.Errorf("%s, insecure: %v", endpoint, err)
		}
	}
}

// TestEndpointWithAPassword: one in the URL is refused, and not quoted.
func TestEndpointWithAPassword(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	for _, url := range []string{"https://user:" + secretKey + "@example.com", "https://user:" + secretKey + " @example.com", "user:" + secretKey + "@\n"} {
		_, err := kvs.LoadConfig(t.Context(), kvs.ConfigOptions{EndpointURL: url})
		if !errors.Is(err, archive.ErrInvalid) || strings.Contains(err.Error(), secretKey) {
			t.Errorf("got %v, want ErrInvalid without the password", err)
		}
	}
}

// TestStreamNamesFromTheService: names that cannot be names of directories are left out, and each is logged once, in one
// line whatever it holds.
func TestStreamNamesFromTheService(t *testing.T) {
	bad := []string{``, `.`, `..`, `/`, `a/b`, `../../etc`, `a\u0000b`, `a\nb`, `a\u001b[31m`, `\ud800`, `ä`, strings.Repeat("x", 257), strings.Repeat("y", 100_000)}
	s := newService()
	s.answers["/listStreams"] = func(w http.ResponseWriter, _ request, _ int) {
		var list []string
		for _, name := range append([]string{"good"}, bad...) {
			list = append(list, `{"StreamName":"`+name+`"}`)
		}
		_, _ = io.WriteString(w, `{"StreamInfoList":[`+strings.Join(list, ",")+`,{}]}`)
	}
	log := &syncBuffer{}
	a := newArchive(t, config(s), kvs.Options{Logger: logTo(log)})
	for range 3 {
		var got []string
		for stream, err := range a.Streams(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(stream.Name))
		}
		if len(got) != 1 || got[0] != "good" {
			t.Errorf("got %q, want good alone", got)
		}
	}
	lines := 0
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "stream left out") {
			lines++
		}
		if len(line) > 1000 || strings.ContainsAny(line, "\x00\x1b") {
			t.Errorf("line of %d bytes: %.200q", len(line), line)
		}
	}
	if want := len(bad); lines != want { // the two empty ones are one
		t.Errorf("%d lines of names left out, want %d\n%s", lines, want, log)
	}
}

// TestEndlessStreams: a listing of streams that does not end is given up.
func TestEndlessStreams(t *testing.T) {
	page := strings.TrimSuffix(strings.Repeat(`{"StreamName":"x"},`, 5000), ",")
	s := newService()
	s.answers["/listStreams"] = func(w http.ResponseWriter, _ request, n int) {
		_, _ = fmt.Fprintf(w, `{"StreamInfoList":[%s],"NextToken":"t%d"}`, page, n)
	}
	synctest.Test(t, func(t *testing.T) {
		given := 0
		var failed error
		for _, err := range newArchive(t, config(s), kvs.Options{}).Streams(context.Background()) {
			if failed = err; err == nil {
				given++
			}
		}
		if !errors.Is(failed, kvs.ErrAnswer) || given > kvs.MaxListed {
			t.Errorf("got %v after %d streams, want ErrAnswer", failed, given)
		}
	})
}

// TestPagesOfMoreThanWasAskedFor: a page of fragments has no more than were asked for, or is no answer.
func TestPagesOfMoreThanWasAskedFor(t *testing.T) {
	s := newService()
	s.answers["/listFragments"] = func(w http.ResponseWriter, _ request, _ int) {
		_, _ = io.WriteString(w, `{"Fragments":[`+strings.Repeat("{},", 2_000_000)+`{}]}`)
	}
	if _, err := list(impatient(t), newArchive(t, config(s), kvs.Options{}), 0); !errors.Is(err, archive.ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable", err)
	}
}
