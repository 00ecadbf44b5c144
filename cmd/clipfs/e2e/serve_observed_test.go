//go:build e2e

package e2e_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"clipfs/cmd/internal/harness"
)

// TestServeObserved: a server tells what a mount tells: whether it is ready, metrics, and lines of the log with the number of the operation;
// and an open that takes longer than --max-open-wait is answered with 503, after which the file can be had.
func TestServeObserved(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	stalls := e.Fault(t, "kind=stall,api=GetClip,count=1,for=2s")
	w := harness.StartWeb(t, e, "--metrics", "127.0.0.1:0", "--max-open-wait", "100ms", "--eager", "0")
	path := "/testcard/" + longAgo() + "/1m.mp4"
	answer, body := fetch(t, http.DefaultClient, w.URL+path)
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "--max-open-wait (100ms)") {
		t.Errorf("an open that takes too long: %s, Retry-After %q: %s", answer.Status, answer.Header.Get("Retry-After"), body)
	}
	stalls.Await(t)
	eventually(t, "the file can be had", func() bool {
		answer, _ := fetch(t, http.DefaultClient, w.URL+path)
		return answer.StatusCode == http.StatusOK
	})
	found := regexp.MustCompile(`msg=metrics url=(\S+)/metrics`).FindStringSubmatch(w.Log())
	if found == nil {
		t.Fatalf("the log does not say where the metrics are: %s", w.Log())
	}
	if status, body := harness.Get(t, found[1]+"/healthz"); status != http.StatusOK {
		t.Errorf("it is not ready: %d %s", status, body)
	}
	// A request is counted and logged once its answer has been sent.
	eventually(t, "the metrics have both answers", func() bool {
		_, metrics := harness.Get(t, found[1]+"/metrics")
		return strings.Contains(metrics, `clipfs_http_requests_total{method="GET",status="503"}`) &&
			strings.Contains(metrics, `clipfs_http_requests_total{method="GET",status="200"} 1`)
	})
	line := regexp.MustCompile(`msg=request method=GET path=` + path + ` status=200 .* op=\d+`)
	eventually(t, "the log has a line of the request with its number", func() bool { return line.MatchString(w.Log()) })
}
