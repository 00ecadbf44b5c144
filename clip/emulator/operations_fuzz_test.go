package emulator_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/wire"
)

// Whatever the body of a request holds, each operation answers what the service could answer: a body of its own, or a whole error
// that is the caller's fault. Media is read as far as it comes at once.
func FuzzOperations(f *testing.F) {
	all, err := wire.Model()
	if err != nil {
		f.Fatal(err)
	}
	media, archive := -1, make(map[wire.API]int)
	for i, o := range all {
		if archive[o.API] = i; o.API == wire.GetMedia {
			media = i
		}
	}
	span := `{"FragmentSelectorType":"PRODUCER_TIMESTAMP","TimestampRange":{"StartTimestamp":1,"EndTimestamp":2000000000}}`
	f.Add(media, `{"StreamName":"a","StartSelector":{"StartSelectorType":"EARLIEST"}}`)
	f.Add(media, `{"StreamName":"a","StartSelector":{"StartSelectorType":"PRODUCER_TIMESTAMP","StartTimestamp":253402300799}}`)
	f.Add(media, `{"StreamName":"a","StartSelector":{"StartSelectorType":"CONTINUATION_TOKEN","ContinuationToken":"`+strings.Repeat("9", 47)+`"}}`)
	f.Add(archive[wire.GetMediaForFragmentList], `{"StreamName":"a","Fragments":["`+strings.Repeat("9", 47)+`","1",""]}`)
	f.Add(archive[wire.GetHLSStreamingSessionURL], `{"StreamName":"a","PlaybackMode":"ON_DEMAND","HLSFragmentSelector":`+span+`}`)
	f.Add(archive[wire.GetHLSStreamingSessionURL], `{"StreamName":"a","HLSFragmentSelector":{"TimestampRange":{}},"Expires":300.0}`)
	f.Add(archive[wire.GetDASHStreamingSessionURL], `{"StreamName":"a","PlaybackMode":"LIVE_REPLAY","DASHFragmentSelector":`+span+`}`)
	f.Add(archive[wire.UpdateImageGenerationConfiguration], `{"StreamName":"a","ImageGenerationConfiguration":{"Status":"ENABLED"}}`)
	f.Add(archive[wire.UpdateNotificationConfiguration], `{"StreamName":"a","NotificationConfiguration":{}}`)
	f.Add(archive[wire.UpdateStreamStorageConfiguration], `{"StreamName":"a","CurrentVersion":"a","StreamStorageConfiguration":null}`)
	f.Fuzz(func(t *testing.T, operation int, body string) {
		if operation < 0 {
			t.Skip("no operation")
		}
		o := all[operation%len(all)]
		c := startLoopback(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
		to := c.server.Endpoint()
		if !onControl(o.Host) {
			to = c.endpoint("a", "GET_CLIP")
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		resp, err := c.http.Do(c.request(to, o.Path, []byte(body)).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode == http.StatusOK {
			defer time.AfterFunc(time.Second/20, cancel).Stop()
			_, _ = io.CopyN(io.Discard, resp.Body, 1000) // Media may be longer, or never come.
			return
		}
		var told struct{ Message string }
		b, err := io.ReadAll(resp.Body)
		if err != nil || json.Unmarshal(b, &told) != nil || told.Message == "" {
			t.Errorf("%s: %d %q, %v", o.API, resp.StatusCode, b, err)
		}
		if resp.StatusCode == http.StatusInternalServerError || resp.StatusCode == http.StatusNotImplemented && isThere(o.API) && o.API != wire.GetImages {
			t.Errorf("%s: %d %q", o.API, resp.StatusCode, b)
		}
	})
}

// Whatever is asked of a session, the answer is a resource or an error of the service.
func FuzzSessions(f *testing.F) {
	f.Add("/hls/v1/getHLSMediaPlaylist.m3u8", "TrackNumber", "2")
	f.Add("/hls/v1/getMP4MediaFragment.mp4", "FragmentNumber", "-1")
	f.Add("/hls/v1/getTSFragment.ts", "FragmentNumber", "99999999999999999999")
	f.Add("/hls/v1/getMP4InitFragment.mp4", "TrackNumber", "3")
	f.Add("/dash/v1/getDASHManifest.mpd", "SessionToken", "")
	f.Add("/hls/v1/../../_emulator/calls", "x", "y")
	f.Fuzz(func(t *testing.T, path, name, value string) {
		c := startLoopback(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
		u := c.session("HLS", object{"ContainerFormat": "MPEG_TS"})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u, nil)
		if err != nil {
			t.Fatal(err)
		}
		q := req.URL.Query()
		q.Set(name, value)
		req.URL.Path, req.URL.RawQuery = path, q.Encode()
		if !strings.HasPrefix(path, "/") {
			t.Skip("no path")
		}
		r := c.do(req)
		if r.status >= 500 {
			t.Errorf("%s?%s=%s: %d %q", path, name, value, r.status, r.body)
		}
	})
}
