//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"clipfs/cmd/internal/browser"
	"clipfs/cmd/internal/harness"
)

// openSessions has boto3 open streaming sessions of the stream "card", of each mode and container, and prints their URLs.
const openSessions = `
import boto3, datetime, json, sys
kv = boto3.client("kinesisvideo", endpoint_url=sys.argv[1])
url = kv.get_data_endpoint(StreamName="card", APIName="GET_HLS_STREAMING_SESSION_URL")["DataEndpoint"]
media = boto3.client("kinesis-video-archived-media", endpoint_url=url)
start = datetime.datetime.fromtimestamp(int(sys.argv[2]), datetime.timezone.utc)
stored = {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": {"StartTimestamp": start, "EndTimestamp": start + datetime.timedelta(seconds=59)}}
out = []
for container in ("MPEG_TS", "FRAGMENTED_MP4"):
    out.append(media.get_hls_streaming_session_url(StreamName="card", PlaybackMode="ON_DEMAND", ContainerFormat=container, HLSFragmentSelector=stored))
    out.append(media.get_hls_streaming_session_url(StreamName="card", PlaybackMode="LIVE", ContainerFormat=container,
        HLSFragmentSelector={"FragmentSelectorType": "PRODUCER_TIMESTAMP"}))
print(json.dumps([o["HLSStreamingSessionURL"] for o in out]))
`

// TestSessionsInBrowser: Chromium's own player, in a page of another origin, plays what is stored, with the right picture wherever it seeks,
// and follows a stream live, in both containers.
func TestSessionsInBrowser(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--stream", "card=testcard", "--quota", "off")
	start := time.Now().Add(-time.Hour).Truncate(time.Minute)
	script := filepath.Join(t.TempDir(), "sessions.py")
	if err := os.WriteFile(script, []byte(openSessions), 0o600); err != nil {
		t.Fatal(err)
	}
	harness.Need(t, "/usr/bin/python3")
	var urls []string
	if err := json.Unmarshal(harness.Run(t, "/usr/bin/python3", script, e.Endpoint, fmt.Sprint(start.Unix())), &urls); err != nil {
		t.Fatal(err)
	}
	tab := browser.Open(t, 400, 300)
	tab.Go(t, serveFiles(t, t.TempDir())+"/")
	const video = `document.querySelector('video')`
	for i, u := range urls {
		load := fmt.Sprintf(`(v => { v.crossOrigin = 'anonymous'; v.src = %q; v.play().catch(() => {}); return true })(%s)`, u, video)
		browser.Eval[bool](t, tab, load)
		tab.Await(t, video+`.readyState >= 2`)
		if i%2 == 0 {
			if length := browser.Eval[float64](t, tab, video+`.duration`); length < 59.9 || length > 61.1 {
				t.Errorf("%s: a minute is %f s long", u, length)
			}
			begin := browser.Eval[float64](t, tab, video+`.seekable.start(0)`)
			browser.Eval[bool](t, tab, `(`+video+`.pause(), true)`)
			for _, at := range []int{41, 3, 59, 20} {
				seekTab(t, tab, time.Duration((begin+float64(at)+0.5)*float64(time.Second)))
				if got := tab.Second(t, video); got != at {
					t.Errorf("%s: second %d at %d.5 s", u, got, at)
				}
			}
			continue
		}
		begin := browser.Eval[float64](t, tab, video+`.currentTime`)
		tab.Await(t, fmt.Sprintf(`%s.currentTime > %f`, video, begin+6))
		now, got := time.Now(), tab.Second(t, video)
		if late := (now.Second() - got + 60) % 60; got < 0 || late > 40 {
			t.Errorf("%s: live shows second %d at %s", u, got, now.Format(time.TimeOnly))
		}
	}
	if wrong := tab.Wrong(); len(wrong) > 0 {
		t.Errorf("the page complains: %v", wrong)
	}
}
