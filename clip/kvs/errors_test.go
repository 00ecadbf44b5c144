package kvs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

func TestErrorsOfGetClip(t *testing.T) {
	for _, tc := range []struct {
		kind   string
		status int
		want   error
	}{
		{"InvalidArgumentException", 400, archive.ErrInvalid},
		{"InvalidCodecPrivateDataException", 400, archive.ErrCodecChange},
		{"InvalidCodecPrivateDataException", 400, archive.ErrMedia},
		{"MissingCodecPrivateDataException", 400, archive.ErrMedia},
		{"UnsupportedStreamMediaTypeException:http://internal.amazon.com/", 400, archive.ErrMedia},
		{"InvalidMediaFrameException", 400, archive.ErrMedia},
		{"NoDataRetentionException", 400, archive.ErrNoRetention},
		{"NotAuthorizedException", 401, archive.ErrDenied},
		{"AccessDeniedException", 403, archive.ErrDenied},
		{"UnrecognizedClientException", 403, archive.ErrDenied},
		{"ExpiredTokenException", 403, archive.ErrDenied},
		{"InvalidSignatureException", 403, archive.ErrDenied},
		{"MissingAuthenticationTokenException", 403, archive.ErrDenied},
		{"IncompleteSignatureException", 400, archive.ErrDenied},
		{"SomethingNewException", 403, archive.ErrDenied},
		{"SomethingNewException", 400, archive.ErrInvalid},
		{"SomethingNewException", 418, archive.ErrRefused},
	} {
		t.Run(tc.kind+"/"+fmt.Sprint(tc.status), func(t *testing.T) {
			s := newService()
			s.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) { fail(w, tc.status, tc.kind, "the text") }
			_, err := fetch(t.Context(), newArchive(t, config(s), kvs.Options{}))
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			for _, part := range []string{"kinesisvideo:GetClip", "stream door", "the text"} {
				if err != nil && !strings.Contains(err.Error(), part) {
					t.Errorf("got %q, want it to say %q", err, part)
				}
			}
			if n := s.count("/getClip"); n != 1 {
				t.Errorf("attempts: got %d, want 1", n)
			}
		})
	}
}

func TestErrorCodeInTheBody(t *testing.T) {
	for _, body := range []string{
		`{"__type":"com.amazonaws.kinesisvideo#NoDataRetentionException","message":"x"}`,
		`{"code":"NoDataRetentionException","Message":"x"}`,
	} {
		s := newService()
		s.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, body)
		}
		if _, err := fetch(t.Context(), newArchive(t, config(s), kvs.Options{})); !errors.Is(err, archive.ErrNoRetention) {
			t.Errorf("%s: got %v, want ErrNoRetention", body, err)
		}
	}
}

func TestNoStreamOrNoFootage(t *testing.T) {
	for _, tc := range []struct {
		name     string
		describe func(http.ResponseWriter)
		want     error
	}{
		{"the stream exists", func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"StreamInfo":{"StreamName":"door"}}`) }, archive.ErrNoFootage},
		{"it does not", func(w http.ResponseWriter) { fail(w, 404, "ResourceNotFoundException", "no stream") }, archive.ErrNoStream},
		{"we may not ask", func(w http.ResponseWriter) { fail(w, 403, "AccessDeniedException", "no") }, archive.ErrNoFootage},
		{"nobody answers", throttle, archive.ErrNoFootage},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				s.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) { fail(w, 404, "ResourceNotFoundException", "any text") }
				s.answers["/describeStream"] = func(w http.ResponseWriter, _ request, _ int) { tc.describe(w) }
				_, err := fetch(t.Context(), newArchive(t, config(s), kvs.Options{}))
				if !errors.Is(err, tc.want) {
					t.Errorf("got %v, want %v", err, tc.want)
				}
			})
		})
	}
}

func TestNoStreamElsewhere(t *testing.T) {
	s := newService()
	notFound := func(w http.ResponseWriter, _ request, _ int) { fail(w, 404, "ResourceNotFoundException", "x") }
	s.answers["/describeStream"], s.answers["/listFragments"] = notFound, notFound
	a := newArchive(t, config(s), kvs.Options{})
	if _, err := a.Stream(t.Context(), "door"); !errors.Is(err, archive.ErrNoStream) {
		t.Errorf("Stream: got %v, want ErrNoStream", err)
	}
	if _, err := list(t.Context(), a, 0); !errors.Is(err, archive.ErrNoStream) {
		t.Errorf("Fragments: got %v, want ErrNoStream", err)
	}
	s.answers["/getDataEndpoint"] = notFound
	if _, err := fetch(t.Context(), a); !errors.Is(err, archive.ErrNoStream) {
		t.Errorf("Payload: got %v, want ErrNoStream", err)
	}
	if n := s.count("/describeStream"); n != 1 {
		t.Errorf("DescribeStream: got %d calls, want 1: GetDataEndpoint has said that there is none", n)
	}
}

// provider is a chain whose answers are scripted.
type provider struct {
	err         error
	invalidated int
}

func (p *provider) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secretKey, SessionToken: sessionToken}, p.err
}

func (p *provider) Invalidate() { p.invalidated++ }

// timeoutError is what a role's metadata service gives where there is none: the SDK would retry it.
type timeoutError struct{}

func (timeoutError) Error() string { return "dial tcp 169.254.169.254:80: i/o timeout" }
func (timeoutError) Timeout() bool { return true }

func TestMissingCredentialsFailAtOnce(t *testing.T) {
	for name, chain := range map[string]aws.CredentialsProvider{"none": nil, "chain fails": &provider{err: timeoutError{}}} {
		t.Run(name, func(t *testing.T) {
			s := newService()
			cfg := config(s)
			cfg.Credentials = chain
			a := newArchive(t, cfg, kvs.Options{})
			_, err := a.Stream(t.Context(), "door")
			if !errors.Is(err, archive.ErrDenied) || !strings.Contains(err.Error(), "AWS_PROFILE") {
				t.Errorf("Stream: got %v, want ErrDenied and what to set", err)
			}
			if _, err := fetch(t.Context(), a); !errors.Is(err, archive.ErrDenied) {
				t.Errorf("Payload: got %v, want ErrDenied", err)
			}
			if len(s.calls) != 0 {
				t.Errorf("calls: got %d, want 0", len(s.calls))
			}
		})
	}
}

func TestMissingCredentialsForMedia(t *testing.T) {
	s := newService()
	s.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) { clipBody(w, "media") }
	chain := &provider{}
	cfg := config(s)
	cfg.Credentials = chain
	a := newArchive(t, cfg, kvs.Options{})
	if _, err := fetch(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	chain.err = timeoutError{}
	if _, err := fetch(t.Context(), a); !errors.Is(err, archive.ErrDenied) {
		t.Errorf("got %v, want ErrDenied", err)
	}
	if n := s.count("/getClip"); n != 1 {
		t.Errorf("GetClip: got %d requests, want 1", n)
	}
}

// renewed is a chain that has a key of the number of times that it was told to look again, up to a last one.
type renewed struct{ invalidated, last int }

func (p *renewed) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: fmt.Sprintf("AKID%d", min(p.invalidated, p.last)), SecretAccessKey: secretKey}, nil
}

func (p *renewed) Invalidate() { p.invalidated++ }

// TestExpiredCredentialsAreRenewed: a call is made once more if the chain has other credentials than those refused, and
// only then; the service is not asked again and again.
func TestExpiredCredentialsAreRenewed(t *testing.T) {
	for _, tc := range []struct {
		name     string
		last     int // the chain's
		accepted string
		want     error
		calls    int
	}{
		{"renewed", 1, "AKID1", nil, 2},
		{"renewed and no better", 5, "nobody", archive.ErrDenied, 2},
		{"still the same", 0, "nobody", archive.ErrDenied, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			expired := func(w http.ResponseWriter, r request) bool {
				if strings.Contains(r.header.Get("Authorization"), "Credential="+tc.accepted+"/") {
					return false
				}
				fail(w, 403, "ExpiredTokenException", "expired")
				return true
			}
			s := newService()
			s.answers["/getClip"] = func(w http.ResponseWriter, r request, _ int) {
				if !expired(w, r) {
					clipBody(w, "media")
				}
			}
			s.answers["/describeStream"] = func(w http.ResponseWriter, r request, _ int) {
				if !expired(w, r) {
					_, _ = io.WriteString(w, `{"StreamInfo":{"StreamName":"door"}}`)
				}
			}
			for path, ask := range map[string]func(a *kvs.Archive) error{
				"/getClip":        func(a *kvs.Archive) error { _, err := fetch(t.Context(), a); return err },
				"/describeStream": func(a *kvs.Archive) error { _, err := a.Stream(t.Context(), "door"); return err },
			} {
				cfg := config(s)
				cfg.Credentials = &renewed{last: tc.last}
				if err := ask(newArchive(t, cfg, kvs.Options{})); !errors.Is(err, tc.want) {
					t.Errorf("%s: got %v, want %v", path, err, tc.want)
				}
				if n := s.count(path); n != tc.calls {
					t.Errorf("%s: got %d calls, want %d", path, n, tc.calls)
				}
			}
		})
	}
}

func TestNoSecretLeavesInErrorsOrLogs(t *testing.T) {
	canonical := "InvalidSignatureException: does not match.\n\nThe Canonical String for this request should have been\n" +
		"'POST\n/getClip\n\nhost:x\nx-amz-security-token:" + sessionToken + "\n'"
	for _, message := range []string{
		canonical,
		"bad header Authorization=AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" + sessionToken,
		"Authorization header: '" + sessionToken + "'",
	} {
		s := newService()
		s.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) {
			fail(w, 403, "InvalidSignatureException", message)
		}
		log := &syncBuffer{}
		cfg := config(s)
		cfg.ClientLogMode = aws.LogSigning | aws.LogRequestWithBody | aws.LogResponseWithBody | aws.LogRetries
		_, err := fetch(t.Context(), newArchive(t, cfg, kvs.Options{Logger: logTo(log)}))
		if !errors.Is(err, archive.ErrDenied) {
			t.Errorf("got %v, want ErrDenied", err)
		}
		for _, secret := range []string{secretKey, sessionToken, "AWS4-HMAC", "Signature="} {
			if strings.Contains(fmt.Sprintf("%v %+v", err, err), secret) || strings.Contains(log.String(), secret) {
				t.Errorf("%q has left in %q or\n%s", secret, err, log)
			}
		}
		if !strings.Contains(err.Error(), "InvalidSignatureException") || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %q, want the code in one line", err)
		}
	}
}

func TestOneLogLinePerCall(t *testing.T) {
	s := newService()
	s.answers["/getClip"] = func(w http.ResponseWriter, _ request, _ int) {
		w.Header().Set("X-Amzn-RequestId", "request-7")
		clipBody(w, "media")
	}
	var log bytes.Buffer
	if _, err := fetch(t.Context(), newArchive(t, config(s), kvs.Options{Logger: logTo(&log)})); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("lines: got %d, want one for GetDataEndpoint and one for GetClip:\n%s", len(lines), &log)
	}
	for _, part := range []string{"api=GetClip", "stream=door", "attempts=1", "took=", "request=request-7"} {
		if !strings.Contains(lines[1], part) {
			t.Errorf("line: got %s, want %s in it", lines[1], part)
		}
	}
}
