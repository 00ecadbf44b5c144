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
	// sent is told the host of each request; it may be nil.
	sent func(host string)
	// answered is told when a request was sent that the service has granted; it may be nil.
	answered func(sent time.Time)
	// body: the body of the answer is watched too. The reader of media watches that itself: it may pause.
	body bool
}

// maxDoublings keeps the wait for a head in range.
const maxDoublings = 20

func (c *silenceClient) Do(req *http.Request) (*http.Response, error) {
	if c.sent != nil {
		c.sent(req.URL.Host)
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	w := &watch{cause: func() error { return context.Cause(ctx) }, cancel: cancel, idle: !c.body}
	after := c.stall << min(max(c.attempt()-1, 0), maxDoublings)
	w.begin(after)
	began := time.Now()
	resp, err := c.inner.Do(req.WithContext(ctx))
	if late := w.end(); late && err == nil { // it came in the moment in which it was given up
		_ = resp.Body.Close() // of what was not read
		err = silentFor(after)
	}
	if err != nil {
		err = w.explain(err)
		cancel(nil)
		return nil, err
	}
	if c.answered != nil && resp.StatusCode == http.StatusOK {
		c.answered(began)
	}
	w.stall, w.ReadCloser = c.stall, resp.Body
	resp.Body = w
	return resp, nil
}

// watch ends a request that is silent. It is the body of its answer.
type watch struct {
	io.ReadCloser
	// cancel ends the request, cause tells why it ended.
	cancel context.CancelCauseFunc
	cause  func() error
	// stall is how long the body may be silent.
	stall time.Duration
	timer *time.Timer
	// idle: reads may take as long as they like.
	idle bool
}

// begin begins to wait for a byte, for so long.
func (w *watch) begin(after time.Duration) {
	w.timer = time.AfterFunc(after, func() { w.cancel(silentFor(after)) })
}

// silentFor is errSilent with how long it was.
func silentFor(after time.Duration) error { return fmt.Errorf("%w for %s", errSilent, after) }

// end ends the wait, and reports whether it was too late and the request is given up, now or in a moment.
func (w *watch) end() (late bool) { return !w.timer.Stop() }

// explain tells a silence from other failures.
func (w *watch) explain(err error) error {
	if cause := w.cause(); errors.Is(cause, errSilent) {
		return cause
	}
	return err
}

func (w *watch) Read(p []byte) (int, error) {
	if w.idle {
		return w.ReadCloser.Read(p)
	}
	w.begin(w.stall)
	n, err := w.ReadCloser.Read(p)
	_ = w.end() // what came counts, and the next read tells
	if err != nil && !errors.Is(err, io.EOF) {
		err = w.explain(err)
	}
	return n, err
}

func (w *watch) Close() error {
	defer w.cancel(nil)
	return w.ReadCloser.Close()
}
