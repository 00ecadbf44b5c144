//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"clipfs/cmd/internal/harness"
)

// TestLastIsFixed: last/1m.json names the path that always stands for what last/1m.mp4 stood for, with the same bytes.
func TestLastIsFixed(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e, "--timezone", "America/St_Johns", "--names", "basic")
	for range 5 { // the newest footage changes every two seconds
		last, err := os.ReadFile(m.Join("testcard", "last", "1m.mp4"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(m.Join("testcard", "last", "1m.json"))
		if err != nil {
			t.Fatal(err)
		}
		var told struct{ Path string }
		if err := json.Unmarshal(text, &told); err != nil || !strings.HasSuffix(told.Path, "/1m.mp4") {
			t.Fatalf("%v: %s", err, text)
		}
		fixed, err := os.ReadFile(m.Join(told.Path))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(fixed, last) {
			return
		}
	}
	t.Error("the path in last/1m.json has never had the bytes of last/1m.mp4")
}
