package kvs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// defaultStall is Options.Stall if that is 0.
const defaultStall = 10 * time.Second

// errSilent: an attempt went too long without a byte. It is not the context's error: the call's goes on, and the attempt
// is made again.
var errSilent = errors.New("no byte")

// silenceClient gives an attempt up that goes too long without a byte.
type silenceClient struct {
	inner aws.HTTPClient
	// stall is how long that is. The head of an answer is waited for twice as long at each further attempt: GetClip may
	// think before it answers, and what takes it longer than the first wait must come in the end.
	stall time.Duration
	// attempt gives the number of the attempt, from 1 on.
	attempt func() int
	// body: the body of the answer is watched too. That of media is by who reads it, who may pause.
	body bool
}

// silenceClient gives the client for the attempts of the call.
func (c *call) silenceClient(body bool) aws.HTTPClient {
	return &silenceClient{inner: &urgentClient{c.archive.http, c.urgency}, stall: c.archive.stall, attempt: c.attempts.number, body: body}
}

// maxDoublings keeps the wait for a head in range.
const maxDoublings = 20

// Do implements aws.HTTPClient.
func (c *silenceClient) Do(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	w := &watch{cause: func() error { return context.Cause(ctx) }, after: c.stall << min(max(c.attempt()-1, 0), maxDoublings), cancel: cancel}
	w.begin()
	resp, err := c.inner.Do(req.WithContext(ctx))
	w.end()
	if err != nil {
		err = w.explain(err)
		cancel(nil)
		return nil, err
	}
	w.after, w.ReadCloser = c.stall, resp.Body
	w.idle = !c.body
	resp.Body = w
	return resp, nil
}

// watch ends a request that is silent. It is the body of its answer.
type watch struct {
	io.ReadCloser
	// cancel ends the request, cause tells why it ended.
	cancel context.CancelCauseFunc
	cause  func() error
	after  time.Duration
	timer  *time.Timer
	// idle: reads may take as long as they like.
	idle bool
}

// begin begins to wait for a byte.
func (w *watch) begin() {
	w.timer = time.AfterFunc(w.after, func() { w.cancel(fmt.Errorf("%w for %s", errSilent, w.after)) })
}

// end ends the wait.
func (w *watch) end() { w.timer.Stop() }

// explain tells a silence from other failures.
func (w *watch) explain(err error) error {
	if cause := w.cause(); errors.Is(cause, errSilent) {
		return cause
	}
	return err
}

// Read implements io.Reader.
func (w *watch) Read(p []byte) (int, error) {
	if w.idle {
		return w.ReadCloser.Read(p)
	}
	w.begin()
	n, err := w.ReadCloser.Read(p)
	w.end()
	if err != nil && !errors.Is(err, io.EOF) {
		err = w.explain(err)
	}
	return n, err
}

// Close implements io.Closer.
func (w *watch) Close() error {
	defer w.cancel(nil)
	return w.ReadCloser.Close()
}
