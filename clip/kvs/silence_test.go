package kvs_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/kvs"
)

// TestAnswerAtTheLastMoment: an answer that comes in the very moment in which the attempt is given up is an answer or a
// silence, and nothing between: what is taken for an answer can be read to its end.
func TestAnswerAtTheLastMoment(t *testing.T) {
	const stall = 10 * time.Second
	for _, test := range []struct {
		after  time.Duration
		silent []bool
	}{
		{stall - 1, []bool{false}},
		{stall, []bool{false, true}},
		{stall + 1, []bool{true}},
	} {
		for range 200 { // which of the two is first at the same moment, nobody says
			synctest.Test(t, func(t *testing.T) {
				client := kvs.NewSilenceClient(roundTripper(func(req *http.Request) (*http.Response, error) {
					time.Sleep(test.after) // deaf to the end of its context, as an answer that is read already
					return &http.Response{StatusCode: http.StatusOK, Body: &bound{req, strings.NewReader("media")}}, nil
				}), stall)
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/getClip", nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := client.Do(req)
				silent := errors.Is(err, kvs.ErrSilent)
				if err == nil {
					content, failed := io.ReadAll(resp.Body)
					if string(content) != "media" || failed != nil {
						t.Errorf("after %s: an answer of %q, %v", test.after, content, failed)
					}
					_ = resp.Body.Close()
				}
				if err != nil && !silent || len(test.silent) == 1 && silent != test.silent[0] {
					t.Errorf("after %s: %v", test.after, err)
				}
			})
		}
	}
}

// bound is a body that ends with its request.
type bound struct {
	req *http.Request
	io.Reader
}

// Read implements io.Reader.
func (b *bound) Read(p []byte) (int, error) {
	if err := b.req.Context().Err(); err != nil {
		return 0, err
	}
	return b.Reader.Read(p)
}

// Close implements io.Closer.
func (b *bound) Close() error { return nil }
