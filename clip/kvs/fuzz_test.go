package kvs_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

// impatient is a context that gives an answer one attempt.
func impatient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// checkLeaves fails if an error is not one that may leave an archive.
func checkLeaves(t *testing.T, err error) {
	t.Helper()
	for _, kind := range []error{
		archive.ErrNoStream, archive.ErrNoFootage, archive.ErrDenied, archive.ErrRefused, archive.ErrInvalid, archive.ErrMedia, archive.ErrNoRetention,
		archive.ErrThrottled, archive.ErrUnreachable,
	} {
		if errors.Is(err, kind) {
			if text := err.Error(); strings.ContainsFunc(text, unicode.IsControl) || len(text) > 2000 {
				t.Errorf("error %q is not one clean line", text)
			}
			return
		}
	}
	t.Errorf("error %v wraps no sentinel", err)
}

// FuzzListFragments gives any body to a listing: fragments that can be, or an error, and no panic.
func FuzzListFragments(f *testing.F) {
	f.Add(page("", fragmentJSON("1", 0), fragmentJSON("2", time.Second)))
	f.Add(page("token", fragmentJSON("1", 0)))
	f.Add(`{"Fragments":null,"NextToken":null}`)
	f.Add(`{"Fragments":[{"FragmentNumber":"1","ProducerTimestamp":1e308,"ServerTimestamp":-1}]}`)
	f.Add(`<html>`)
	f.Fuzz(func(t *testing.T, body string) {
		s := newService()
		s.answers["/listFragments"] = func(w http.ResponseWriter, _ request, _ int) { _, _ = io.WriteString(w, body) }
		span := archive.NewSpan(start(), time.Minute)
		found, err := list(impatient(t), newArchive(t, config(s), kvs.Options{}), 0)
		if err != nil {
			checkLeaves(t, err)
		}
		for _, fragment := range found {
			if fragment.ID == "" || fragment.Size < 0 || fragment.Length < 0 || !span.Contains(fragment.Producer) {
				t.Errorf("got fragment %+v, which cannot be", fragment)
			}
		}
	})
}

// FuzzErrors gives any answer that is no success to GetClip: always one clean line and a sentinel.
func FuzzErrors(f *testing.F) {
	f.Add(404, "ResourceNotFoundException", `{"Message":"No fragments found in the stream for the clip request."}`)
	f.Add(400, "ClientLimitExceededException:http://internal/", `{"Message":"x"}`)
	f.Add(403, "", "<AccessDeniedException><Message>Unable to determine service</Message></AccessDeniedException>")
	f.Add(403, "", "<a><Message><b></Message>")
	f.Add(403, "X#Y:Z", `{"__type":"#:","message":"a\nb"}`)
	f.Add(500, "", "")
	f.Fuzz(func(t *testing.T, status int, kind, body string) {
		if status < 300 || status > 599 {
			return
		}
		s := newService()
		answer := func(w http.ResponseWriter, _ request, _ int) {
			w.Header().Set("X-Amzn-ErrorType", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
		s.answers["/getClip"], s.answers["/describeStream"] = answer, answer
		_, err := fetch(impatient(t), newArchive(t, config(s), kvs.Options{}))
		if err == nil {
			t.Fatalf("status %d: got no error", status)
		}
		checkLeaves(t, err)
	})
}

// FuzzListStreams gives any body to a listing of streams: streams whose names can be shown, or an error, and no panic.
func FuzzListStreams(f *testing.F) {
	f.Add(`{"StreamInfoList":[{"StreamName":"door","StreamARN":"arn:aws:kinesisvideo:us-east-1:0:stream/door/1","DataRetentionInHours":24,"CreationTime":1.7e9}]}`)
	f.Add(`{"StreamInfoList":[{"StreamName":".."},{"StreamName":"a/b"},{"StreamName":""},{}],"NextToken":"t"}`)
	f.Add(`{"StreamInfoList":null}`)
	f.Fuzz(func(t *testing.T, body string) {
		s := newService()
		s.answers["/listStreams"] = func(w http.ResponseWriter, _ request, _ int) { _, _ = io.WriteString(w, body) }
		for stream, err := range newArchive(t, config(s), kvs.Options{}).Streams(impatient(t)) {
			if err != nil {
				checkLeaves(t, err)
				return
			}
			if !stream.Name.Valid() || stream.Retention < 0 {
				t.Errorf("got stream %+v, which cannot be", stream)
			}
		}
	})
}

// FuzzEndpoint: whatever the service names as a data endpoint, a call goes there only over TLS where control calls do,
// and to nothing that holds more than a host.
func FuzzEndpoint(f *testing.F) {
	f.Add("https://s-1.kinesisvideo.eu-west-1.amazonaws.com")
	f.Add("http://127.0.0.1:4581")
	f.Fuzz(func(t *testing.T, data string) {
		for _, control := range []string{"", "https://kinesisvideo.eu-west-1.amazonaws.com"} {
			if kvs.CheckEndpoint(control, data, false) != nil {
				continue
			}
			u, err := url.Parse(data)
			if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
				t.Errorf("control %q: calls go to %q", control, data)
			}
		}
		if u, err := url.Parse(data); kvs.CheckEndpoint("http://127.0.0.1:4580", data, false) == nil &&
			(err != nil || u.Scheme == "http" && !net.ParseIP(u.Hostname()).IsLoopback() && u.Hostname() != "localhost") {
			t.Errorf("calls go to %q in plain text", data)
		}
	})
}
