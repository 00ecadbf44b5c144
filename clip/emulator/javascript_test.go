//go:build e2e

package emulator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	camera "clipfs/clip/emulator/producer"
)

// javaScriptVersion is that of the AWS SDK for JavaScript, which .ci/test puts where javaScript looks for it.
const javaScriptVersion = "3.523.0"

// javaScript finds the AWS SDK for JavaScript. Without it the test is skipped, or fails where nothing may be skipped.
func javaScript(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "clipfs-ci", "aws-sdk-js-"+javaScriptVersion)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CLIPFS_REQUIRE_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skipf("the AWS SDK for JavaScript is not there, .ci/test fetches it: %v", err)
	}
	return dir
}

// TestJavaScript: an application that uses the AWS SDK for JavaScript lists, puts media, and gets clips, images, media and sessions, which
// it follows to their segments; errors are those of its classes.
func TestJavaScript(t *testing.T) {
	node, sdk := tool(t, "node"), javaScript(t)
	options := checkedOptions(t)
	options.NoQuota = true // it asks for more data endpoints than five a second
	c := startLoopback(t, options)
	from := time.Now().Add(-time.Minute).Truncate(2 * time.Second)
	var media bytes.Buffer
	if err := camera.WriteTestCard(&media, from, from.Add(10*time.Second)); err != nil {
		t.Fatal(err)
	}
	sent, clip := filepath.Join(t.TempDir(), "sent.mkv"), filepath.Join(t.TempDir(), "clip.mp4")
	if err := os.WriteFile(sent, media.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal([]byte(runTool(t, append(toolEnv(t, c), "SDK="+sdk), node, "testdata/client.cjs", sent, clip)), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(`{"streams": [10, 2], "described": ["ACTIVE", 24, true], "tags": {"a": "b"}, "persisted": 5,
		"others": ["BUFFERING", "PERSISTED", "RECEIVED"], "fragments": 5, "times": [0, 2000, 4000, 6000, 8000], "type": "video/mp4",
		"images": ["ffd8", "ffd8", "ffd8", "ffd8"], "hls": [5, "ftyp", "moof"], "dash": [5, "ftyp", "moof"],
		"chunks": ["video/webm", 3, "video/webm", 5], "errors": [
		["ResourceNotFoundException", "ResourceNotFoundException", 404, true, true],
		["ResourceInUseException", "ResourceInUseException", 400, true, true],
		["ResourceNotFoundException", "ResourceNotFoundException", 404, true, true],
		["ResourceNotFoundException", "ResourceNotFoundException", 404, true, true],
		["KinesisVideoServiceException", "InvalidSignatureException", 403, true, true]]}`), &want); err != nil {
		t.Fatal(err)
	}
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("got\n%s, want\n%s", g, w)
	}
	for _, track := range []string{"v", "a"} {
		if got, want := framesOf(t, clip, track), framesOf(t, sent, track); !slices.Equal(got, want) {
			t.Errorf("%d frames of %s that are not the %d sent", len(got), track, len(want))
		}
	}
}
