//go:build e2e

package e2e_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"github.com/google/go-cmp/cmp"
)

// debianCLI is the AWS CLI that Debian packages, not one that happens to be in the path.
const debianCLI = "/usr/bin/aws"

// TestAWSCLI: the AWS CLI lists fragments and gets clips from the emulator, and its clip has the frames of the mounted
// file.
func TestAWSCLI(t *testing.T) {
	t.Parallel()
	harness.Need(t, debianCLI)
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e)
	from := time.Now().UTC().Add(-time.Hour).Truncate(time.Minute)
	to := from.Add(time.Minute)
	// The CLI sends whole seconds, and its end is inclusive.
	span := "FragmentSelectorType=PRODUCER_TIMESTAMP,TimestampRange={StartTimestamp=" +
		from.Format(time.RFC3339) + ",EndTimestamp=" + to.Add(-time.Second).Format(time.RFC3339) + "}"
	dataEndpoint := func(api string) string {
		return strings.TrimSpace(string(harness.Run(t, debianCLI, "kinesisvideo", "get-data-endpoint", "--endpoint-url", e.Endpoint,
			"--stream-name", "testcard", "--api-name", api, "--query", "DataEndpoint", "--output", "text")))
	}
	listed := harness.Run(t, debianCLI, "kinesis-video-archived-media", "list-fragments", "--endpoint-url", dataEndpoint("LIST_FRAGMENTS"),
		"--stream-name", "testcard", "--fragment-selector", span, "--output", "json")
	var list struct {
		Fragments []struct{ FragmentNumber string }
	}
	if err := json.Unmarshal(listed, &list); err != nil || len(list.Fragments) != 30 {
		t.Errorf("list-fragments: %d fragments, %v; want 30", len(list.Fragments), err)
	}
	clip := filepath.Join(t.TempDir(), "clip.mp4")
	harness.Run(t, debianCLI, "kinesis-video-archived-media", "get-clip", "--endpoint-url", dataEndpoint("GET_CLIP"),
		"--stream-name", "testcard", "--clip-fragment-selector", span, clip)
	mounted := m.Join("testcard", from.Format("2006-01-02T15:04"), "1m.mp4")
	for _, kind := range []string{"v", "a"} {
		want, got := packets(t, clip, kind), packets(t, mounted, kind)
		if diff := cmp.Diff(want, got); diff != "" || len(got) < 1000 {
			t.Errorf("%d frames of %q, the CLI's -, mounted +:\n%s", len(got), kind, diff)
		}
	}
}
