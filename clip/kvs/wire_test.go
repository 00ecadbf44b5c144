package kvs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"go.uber.org/goleak"

	"clipfs/clip/archive"
	"clipfs/clip/kvs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	controlURL = "http://127.0.0.1:1"
	dataURL    = "http://127.0.0.1:2"

	secretKey    = "SECRETSECRETSECRET"
	sessionToken = "TOKENTOKENTOKEN"
)

// start is where the spans of the tests start.
func start() time.Time { return time.Date(2024, 1, 1, 10, 0, 0, 5e6, time.UTC) }

// request is one request that the service got.
type request struct {
	host, path string
	header     http.Header
	body       map[string]any
}

// service speaks the wire format: answers by path, without a network, so that it works in a synctest bubble.
type service struct {
	// answers has the handler of a path; the one of /getDataEndpoint is there from the start().
	answers map[string]func(w http.ResponseWriter, r request, n int)
	// dial fails requests to a host before they are sent.
	dial func(ctx context.Context, host string, n int) error

	// mu guards what follows.
	mu    sync.Mutex
	calls []request
}

func newService() *service {
	return &service{answers: map[string]func(http.ResponseWriter, request, int){
		"/getDataEndpoint": func(w http.ResponseWriter, _ request, _ int) {
			_, _ = fmt.Fprintf(w, `{"DataEndpoint":%q}`, dataURL)
		},
	}}
}

// Do implements aws.HTTPClient.
func (s *service) Do(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r := request{host: req.URL.Scheme + "://" + req.URL.Host, path: req.URL.Path, header: req.Header}
	if err := json.Unmarshal(body, &r.body); err != nil {
		return nil, fmt.Errorf("request body %q: %w", body, err)
	}
	s.mu.Lock()
	s.calls = append(s.calls, r)
	n := 0
	for _, c := range s.calls {
		if c.path == r.path {
			n++
		}
	}
	s.mu.Unlock()
	if s.dial != nil {
		if err := s.dial(req.Context(), r.host, n); err != nil {
			return nil, err
		}
	}
	w := httptest.NewRecorder()
	answer, ok := s.answers[r.path]
	if !ok {
		return nil, fmt.Errorf("no answer for %s", r.path)
	}
	answer(w, r, n)
	return w.Result(), nil
}

// count gives how many requests had a path.
func (s *service) count(path string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.path == path {
			n++
		}
	}
	return n
}

// last gives the last request to a path.
func (s *service) last(t *testing.T, path string) request {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.calls) - 1; i >= 0; i-- {
		if s.calls[i].path == path {
			return s.calls[i]
		}
	}
	t.Fatalf("no request to %s", path)
	return request{}
}

// fail answers with an error of the service.
func fail(w http.ResponseWriter, status int, kind, message string) {
	if kind != "" {
		w.Header().Set("X-Amzn-ErrorType", kind)
	}
	w.Header().Set("X-Amzn-RequestId", "request-1")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"Message":%q}`, message)
}

// throttle answers as the service does above a limit.
func throttle(w http.ResponseWriter) {
	fail(w, 400, "ClientLimitExceededException:http://internal.amazon.com/coral/", "limit exceeded")
}

// wrongHost answers a data call as the control endpoint does.
func wrongHost(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized</Message>\n</AccessDeniedException>\n")
}

// clipBody answers GetClip.
func clipBody(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "video/mp4")
	_, _ = io.WriteString(w, text)
}

func config(s aws.HTTPClient) aws.Config {
	return aws.Config{
		Region:       "eu-west-1",
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", secretKey, sessionToken),
		HTTPClient:   s,
		BaseEndpoint: aws.String(controlURL),
	}
}

func newArchive(t *testing.T, cfg aws.Config, o kvs.Options) *kvs.Archive {
	t.Helper()
	a, err := kvs.New(cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// logTo gives a logger that keeps everything it is told.
func logTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// syncBuffer is a buffer that several goroutines write.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// fetch reads one payload of a minute from start().
func fetch(ctx context.Context, a *kvs.Archive) (string, error) {
	p, err := a.Payload(ctx, archive.PayloadQuery{Stream: "door", Span: archive.NewSpan(start(), time.Minute), Fragments: 6})
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(p.Body)
	if closeErr := p.Body.Close(); err == nil {
		err = closeErr
	}
	return string(text), err
}

// list collects fragments of a minute from start().
func list(ctx context.Context, a *kvs.Archive, limit int) (found []archive.Fragment, err error) {
	for f, err := range a.Fragments(ctx, archive.FragmentQuery{Stream: "door", Span: archive.NewSpan(start(), time.Minute), Limit: limit}) {
		if err != nil {
			return found, err
		}
		found = append(found, f)
	}
	return found, nil
}

// fragmentJSON gives a fragment on the wire, some milliseconds after start().
func fragmentJSON(id string, after time.Duration) string {
	at := float64(start().Add(after).UnixMilli()) / 1e3
	return fmt.Sprintf(`{"FragmentNumber":%q,"FragmentSizeInBytes":1000,"FragmentLengthInMilliseconds":1796,"ProducerTimestamp":%.3f,"ServerTimestamp":%.3f}`,
		id, at, at+0.25)
}

// page gives a page of ListFragments.
func page(token string, fragments ...string) string {
	if token != "" {
		token = fmt.Sprintf(`,"NextToken":%q`, token)
	}
	return `{"Fragments":[` + strings.Join(fragments, ",") + `]` + token + `}`
}
