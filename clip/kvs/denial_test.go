package kvs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

// refusal is an answer that is no success, as it goes over the wire.
type refusal struct {
	status            int
	kind, contentType string
	body              string
}

// send answers with it.
func (f refusal) send(w http.ResponseWriter) {
	if f.kind != "" {
		w.Header().Set("X-Amzn-ErrorType", f.kind)
	}
	if f.contentType != "" {
		w.Header().Set("Content-Type", f.contentType)
	}
	w.WriteHeader(f.status)
	_, _ = io.WriteString(w, f.body)
}

const (
	noPolicy = `{"Message":"User: arn:aws:iam::1:user/x is not authorized to perform: kinesisvideo:ListFragments on resource: arn:x"}`
	signIn   = "<!DOCTYPE html>\n<html><head><title>Sign in &amp; go on</title></head>\n<body><br><h1>Sign in</h1></body></html>"
	noHost   = "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized</Message>\n</AccessDeniedException>"
)

// TestMayNotList: only an answer of the service that says of listing fragments that it is not permitted counts as that.
func TestMayNotList(t *testing.T) {
	for _, tc := range []struct {
		name string
		refusal
		want error
		says string
	}{
		{"denied, by header", refusal{403, "AccessDeniedException", "", noPolicy}, archive.ErrNotListable, "not authorized to perform"},
		{"denied, by header with a URL", refusal{403, "AccessDeniedException:http://internal.amazon.com/", "", `{}`}, archive.ErrNotListable, ""},
		{"denied, in the body", refusal{403, "", "", `{"__type":"com.amazon#AccessDeniedException","Message":"no"}`}, archive.ErrNotListable, "no"},
		{"denied, in code", refusal{403, "", "", `{"code":"AccessDenied"}`}, archive.ErrNotListable, ""},
		{"not authorized", refusal{401, "NotAuthorizedException", "", `{"Message":"no"}`}, archive.ErrNotListable, "no"},

		{"another action", refusal{403, "AccessDeniedException", "", strings.ReplaceAll(noPolicy, "kinesisvideo:ListFragments", "kms:Decrypt")}, archive.ErrDenied, "kms:Decrypt"},
		{"signature", refusal{403, "InvalidSignatureException", "", `{"Message":"x"}`}, archive.ErrCredentials, ""},
		{"no such key", refusal{403, "UnrecognizedClientException", "", `{"Message":"x"}`}, archive.ErrCredentials, ""},
		{"expired", refusal{403, "ExpiredTokenException", "", `{"Message":"x"}`}, archive.ErrCredentials, ""},
		{"expired, in the body", refusal{403, "", "", `{"__type":"ExpiredToken"}`}, archive.ErrCredentials, ""},
		{"not signed", refusal{403, "MissingAuthenticationTokenException", "", `{"Message":"x"}`}, archive.ErrCredentials, ""},
		{"half signed", refusal{403, "IncompleteSignature", "", `{"Message":"x"}`}, archive.ErrCredentials, ""},
		{"a code that is not known", refusal{403, "SomethingNewException", "", `{"Message":"x"}`}, archive.ErrDenied, ""},
		{"a proxy's page, 403", refusal{403, "", "text/html", signIn}, archive.ErrRefused, `HTML, not JSON ("Sign in & go on"): is there a proxy between?`},
		{"a proxy's page, 401", refusal{401, "", "text/html", signIn}, archive.ErrRefused, "is there a proxy between?"},
		{"a proxy's page with a type", refusal{403, "AccessDeniedException", "text/html", signIn}, archive.ErrRefused, "is there a proxy between?"},
		{"empty, 403", refusal{403, "", "", ""}, archive.ErrRefused, "status 403"},
		{"empty, 401", refusal{401, "", "", ""}, archive.ErrRefused, "status 401"},
		{"text, 401", refusal{401, "", "text/plain", "who are you?"}, archive.ErrRefused, "who are you?"},
		{"without a type, 401", refusal{401, "", "", `{"message":"Unauthorized"}`}, archive.ErrRefused, "Unauthorized"},
		{"without a type, 403", refusal{403, "", "", `{"message":"Forbidden"}`}, archive.ErrRefused, "Forbidden"},
		{"the wrong host", refusal{403, "", "application/xml", noHost}, archive.ErrRefused, "Unable to determine service/operation name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newService()
			answer := func(w http.ResponseWriter, _ request, _ int) { tc.send(w) }
			s.answers["/listFragments"], s.answers["/getClip"], s.answers["/describeStream"] = answer, answer, answer
			a := newArchive(t, config(s), kvs.Options{})
			_, err := list(t.Context(), a, 0)
			if !errors.Is(err, tc.want) || errors.Is(err, archive.ErrNotListable) != errors.Is(tc.want, archive.ErrNotListable) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if err != nil && (!strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "invalid character")) {
				t.Errorf("got %q, want it to say %q", err, tc.says)
			}
			if n := s.count("/listFragments"); n > 1 {
				t.Errorf("%d calls, want 1", n)
			}
			// What is said of another action tells nothing of this one.
			if _, err := fetch(t.Context(), a); err == nil || errors.Is(err, archive.ErrNotListable) {
				t.Errorf("GetClip: got %v", err)
			}
			if _, err := a.Stream(t.Context(), "door"); err == nil || errors.Is(err, archive.ErrNotListable) {
				t.Errorf("DescribeStream: got %v", err)
			}
		})
	}
}

// TestEndpointMayNotBeAsked: that the data endpoint for listing may not be asked for does not say that listing is not permitted.
func TestEndpointMayNotBeAsked(t *testing.T) {
	s := newService()
	s.answers["/getDataEndpoint"] = func(w http.ResponseWriter, _ request, _ int) { fail(w, 403, "AccessDeniedException", "no") }
	if _, err := list(t.Context(), newArchive(t, config(s), kvs.Options{}), 0); !errors.Is(err, archive.ErrDenied) || errors.Is(err, archive.ErrNotListable) {
		t.Errorf("got %v, want ErrDenied alone", err)
	}
}

// TestStreamsMayNotBeListed: the same of ListStreams.
func TestStreamsMayNotBeListed(t *testing.T) {
	for _, tc := range []struct {
		refusal
		want error
	}{
		{refusal{403, "AccessDeniedException", "", `{}`}, archive.ErrNotListable},
		{refusal{403, "", "text/html", signIn}, archive.ErrRefused},
		{refusal{403, "", "", ""}, archive.ErrRefused},
	} {
		s := newService()
		s.answers["/listStreams"] = func(w http.ResponseWriter, _ request, _ int) { tc.send(w) }
		for _, err := range newArchive(t, config(s), kvs.Options{}).Streams(t.Context()) {
			if !errors.Is(err, tc.want) || errors.Is(err, archive.ErrNotListable) != errors.Is(tc.want, archive.ErrNotListable) {
				t.Errorf("%+v: got %v, want %v", tc.refusal, err, tc.want)
			}
		}
	}
}

// TestRefusedWithoutAType: a refusal that does not name its kind ends a call, and what it says is kept; a kept endpoint is
// asked for again first.
func TestRefusedWithoutAType(t *testing.T) {
	const exists, gone = `{"StreamInfo":{"StreamName":"door"}}`, ``
	for _, tc := range []struct {
		name string
		refusal
		describe string
		want     error
		says     string
	}{
		{"a path that is not there", refusal{404, "", "text/plain", "404 page not found\n"}, exists, archive.ErrRefused, "404 page not found"},
		{"empty", refusal{404, "", "", ""}, exists, archive.ErrRefused, "status 404"},
		{"a message", refusal{404, "", "", `{"message":"Not Found"}`}, exists, archive.ErrRefused, "Not Found"},
		{"a page", refusal{404, "", "text/html", signIn}, exists, archive.ErrRefused, "is there a proxy between?"},
		{"405", refusal{405, "", "", `{"message":"no such method"}`}, exists, archive.ErrRefused, "no such method"},
		{"410", refusal{410, "", "", ``}, exists, archive.ErrRefused, "status 410"},
		{"no footage", refusal{404, "", "", `{"Message":"No fragments found in the stream for the clip request."}`}, exists, archive.ErrNoFootage, ""},
		{"no stream", refusal{404, "", "", `{"Message":"The requested stream is not found or not active."}`}, gone, archive.ErrNoStream, ""},
		{"an operation that the host does not have", refusal{200, "", "application/json",
			`{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}`}, exists, archive.ErrRefused, "does not have the operation"},
	} {
		for _, path := range []string{"/getClip", "/listFragments"} {
			t.Run(tc.name+path, func(t *testing.T) {
				s := newService()
				s.answers[path] = func(w http.ResponseWriter, _ request, n int) {
					switch {
					case n > 1:
						tc.send(w)
					case path == "/getClip":
						clipBody(w, "media")
					default:
						_, _ = io.WriteString(w, page(""))
					}
				}
				s.answers["/describeStream"] = func(w http.ResponseWriter, _ request, _ int) {
					if tc.describe == gone {
						fail(w, 404, "ResourceNotFoundException", "no")
						return
					}
					_, _ = io.WriteString(w, tc.describe)
				}
				a := newArchive(t, config(s), kvs.Options{})
				call := func() (err error) {
					if path == "/getClip" {
						_, err = fetch(t.Context(), a)
					} else {
						_, err = list(t.Context(), a, 0)
					}
					return err
				}
				if err := call(); err != nil {
					t.Fatal(err)
				}
				want := tc.want
				if path == "/listFragments" && errors.Is(want, archive.ErrNoFootage) {
					want = archive.ErrNoStream // which is all that not found means of a listing
				}
				err := call()
				if !errors.Is(err, want) || !strings.Contains(fmt.Sprint(err), tc.says) {
					t.Errorf("got %v, want %v that says %q", err, want, tc.says)
				}
				if n := s.count(path); n > 3 {
					t.Errorf("%d calls, want 2 at most after the first", n-1)
				}
			})
		}
	}
}

// TestHTMLInWords: where a page comes instead of an answer, errors say so and not what JSON made of it.
func TestHTMLInWords(t *testing.T) {
	for _, status := range []int{200, 400, 403, 404, 429, 500, 503} {
		for _, path := range []string{"/getClip", "/listFragments", "/describeStream", "/getDataEndpoint"} {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				s := newService()
				s.answers[path] = func(w http.ResponseWriter, _ request, _ int) { refusal{status, "", "text/html", signIn}.send(w) }
				a := newArchive(t, config(s), kvs.Options{})
				var err error
				switch path {
				case "/describeStream":
					_, err = a.Stream(ctx, "door")
				case "/listFragments":
					_, err = list(ctx, a, 0)
				default:
					_, err = fetch(ctx, a)
				}
				text := fmt.Sprint(err)
				if !strings.Contains(text, "the answer is HTML, not ") || !strings.Contains(text, "is there a proxy between?") || strings.Contains(text, "invalid character") {
					t.Errorf("%s, status %d: got %q", path, status, text)
				}
			})
		}
	}
}
