package harness

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Outlive waits until the mount's process has ended by itself, and gives what it ended with.
func (m *Mount) Outlive(t testing.TB) error {
	t.Helper()
	if !m.process.AwaitEnd() {
		t.Fatalf("mount has not ended\n%s", m.process.Tail())
	}
	return m.process.Err
}

// Lines gives what the mount has written to stderr so far, where --log-format json was given: an object a line.
func (m *Mount) Lines(t testing.TB) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(m.Log()) {
		if !strings.HasSuffix(line, "\n") {
			break // still being written
		}
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("not a line of JSON: %q: %v", line, err)
		}
		all = append(all, fields)
	}
	return all
}

// MetricsURL is where the mount serves metrics, where --metrics was given with --log-format json.
func (m *Mount) MetricsURL(t testing.TB) string {
	t.Helper()
	for _, line := range m.Lines(t) {
		if url, ok := line["url"].(string); ok && line["msg"] == "metrics" {
			return url
		}
	}
	t.Fatalf("no metrics\n%s", m.Log())
	return ""
}

// Get asks a URL on this machine and gives the status and the body.
func Get(t testing.TB, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer func() { _ = response.Body.Close() }() // read to its end
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// getJSON reads a JSON document, which has to be there.
func getJSON(t testing.TB, url string, v any) {
	t.Helper()
	status, body := Get(t, url)
	if status != http.StatusOK {
		t.Fatalf("%s: status %d", url, status)
	}
	if err := json.Unmarshal([]byte(body), v); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}
