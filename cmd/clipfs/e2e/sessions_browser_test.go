//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
# A long manifest lets a slow machine fall behind.
out.append(media.get_dash_streaming_session_url(StreamName="card", PlaybackMode="LIVE", MaxManifestFragmentResults=15))
print(json.dumps([url for o in out for name, url in o.items() if name.endswith("URL")]))
`

// playDASH plays a live manifest as players of MPEG-DASH do: it takes the segments that it finds, and then those that come.
const playDASH = `(async (video, url) => {
  const get = async path => {
    const answer = await fetch(new URL(path, url));
    if (!answer.ok) throw new Error(path + ': ' + answer.status);
    return answer.arrayBuffer();
  };
  const source = new MediaSource();
  let tracks = [];
  video.src = URL.createObjectURL(source);
  await new Promise(opened => source.onsourceopen = opened);
  for (;; await new Promise(passed => setTimeout(passed, 1000))) {
    const manifest = new DOMParser().parseFromString(new TextDecoder().decode(await get(url)), 'text/xml');
    const named = (set, name) => set.querySelector('SegmentTemplate').getAttribute(name), read = (set, name) => Number(named(set, name));
    const sets = [...manifest.querySelectorAll('AdaptationSet')];
    if (!tracks.length) { // all have to be there before the first has anything
      tracks = sets.map(set => {
        const codecs = set.querySelector('Representation').getAttribute('codecs');
        const buffer = source.addSourceBuffer(set.getAttribute('mimeType') + '; codecs="' + codecs + '"');
        buffer.timestampOffset = -read(set, 'presentationTimeOffset') / read(set, 'timescale');
        return {buffer, next: read(set, 'startNumber'), waiting: [named(set, 'initialization')]};
      });
    }
    for (const [i, track] of tracks.entries()) {
      const first = read(sets[i], 'startNumber');
      if (track.next < first) throw new Error('segment ' + track.next + ' is gone');
      for (; track.next < first + sets[i].querySelectorAll('S').length; track.next++) {
        track.waiting.push(named(sets[i], 'media').replace('$Number$', track.next));
      }
      for (; track.waiting.length; track.waiting.shift()) {
        track.buffer.appendBuffer(await get(track.waiting[0]));
        await new Promise(done => track.buffer.onupdateend = done);
      }
    }
    if (video.currentTime === 0) { // as players do, it begins some seconds before the end
      video.currentTime = Math.max(video.buffered.start(0), video.buffered.end(0) - 6);
      video.play().catch(() => {});
    }
  }
})`

// TestSessionsInBrowser: Chromium's own player, in a page of another origin, plays what is stored, with the right picture wherever it seeks,
// and follows a stream live, in both containers. MPEG-DASH, which it does not play by itself, it plays with a script.
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
		dash := strings.Contains(u, ".mpd")
		if dash {
			load = fmt.Sprintf(`(%s(%s, %q).catch(e => console.error('MPEG-DASH: ' + e.message)), true)`, playDASH, video, u)
		}
		browser.Eval[bool](t, tab, load)
		tab.Await(t, video+`.readyState >= 2`)
		if i%2 == 0 && !dash {
			if length := browser.Eval[float64](t, tab, video+`.duration`); length < 59.9 || length > 61.1 {
				t.Errorf("%s: a minute is %f s long", u, length)
			}
			begin := browser.Eval[float64](t, tab, video+`.seekable.start(0)`)
			browser.Eval[bool](t, tab, `(`+video+`.pause(), true)`)
			for _, at := range []int{41, 3, 59, 20} {
				got := -1
				seekTab(t, tab, time.Duration((begin+float64(at)+0.5)*float64(time.Second)), func() bool {
					got = tab.Second(t, video)
					return got == at
				})
				if got != at {
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
