package emulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
)

// openSession opens a streaming session of the stream "a" and gives the response.
func (c *client) openSession(protocol string, in object) response {
	c.t.Helper()
	body := object{"StreamName": "a"}
	for name, value := range in {
		body[name] = value
	}
	return c.call(c.dataEndpoint(), "/get"+protocol+"StreamingSessionURL", body)
}

// session opens a streaming session and gives the URL with which a player begins.
func (c *client) session(protocol string, in object) string {
	c.t.Helper()
	var out object
	c.openSession(protocol, in).into(c.t, &out)
	return out[protocol+"StreamingSessionURL"].(string)
}

// get gets a URL.
func (c *client) get(url string) response {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.do(req)
}

// playlist gets a playlist and what stands in it, and then what it names.
func (c *client) playlist(from string) (text string, named []string) {
	c.t.Helper()
	r := c.get(from)
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "application/x-mpegURL" {
		c.t.Fatalf("%s: %d %s", from, r.status, r.body)
	}
	base, err := url.Parse(from)
	if err != nil {
		c.t.Fatal(err)
	}
	for line := range strings.Lines(string(r.body)) {
		if line[0] != '#' {
			u, err := base.Parse(strings.TrimSpace(line))
			if err != nil {
				c.t.Fatal(err)
			}
			named = append(named, u.String())
		}
	}
	return regexp.MustCompile(`SessionToken=[\w-]+`).ReplaceAllString(string(r.body), "SessionToken=T"), named
}

// media gets the media playlist of a session.
func (c *client) mediaPlaylist(master string) (text string, named []string) {
	c.t.Helper()
	_, variants := c.playlist(master)
	return c.playlist(variants[0])
}

// ranged is a selector of what is stored.
func ranged(kind string, from, to time.Time) object {
	r := object{"StartTimestamp": seconds(from)}
	if !to.IsZero() {
		r["EndTimestamp"] = seconds(to)
	}
	return object{"FragmentSelectorType": kind, "TimestampRange": r}
}

func TestHLSPlaylists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
		from := time.Now().Add(-time.Hour)
		in := object{"PlaybackMode": "ON_DEMAND", "DisplayFragmentTimestamp": "ALWAYS",
			"HLSFragmentSelector": ranged(producer, from.Add(time.Second), from.Add(4*time.Second))}
		master := c.session("HLS", in)
		text, _ := c.playlist(master)
		audio := `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,URI="getHLSMediaPlaylist.m3u8?SessionToken=T&TrackNumber=2"` + "\n"
		want := "#EXTM3U\n#EXT-X-VERSION:1\n" + audio + `#EXT-X-STREAM-INF:BANDWIDTH=N,RESOLUTION=320x180,CODECS="avc1.4d4015,mp4a.40.2",AUDIO="audio"` +
			"\ngetHLSMediaPlaylist.m3u8?SessionToken=T&TrackNumber=1\n"
		if got := regexp.MustCompile(`BANDWIDTH=\d+`).ReplaceAllString(text, "BANDWIDTH=N"); got != want {
			t.Errorf("master:\n%s, want\n%s", got, want)
		}
		entry := func(i int) string {
			return fmt.Sprintf("#EXT-X-PROGRAM-DATE-TIME:%s\n#EXTINF:2.000,\ngetMP4MediaFragment.mp4?FragmentNumber=%d&SessionToken=T&TrackNumber=1\n",
				from.Add(time.Duration(2*i)*time.Second).UTC().Format("2006-01-02T15:04:05.000Z"), i)
		}
		want = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-INDEPENDENT-SEGMENTS\n" +
			`#EXT-X-MAP:URI="getMP4InitFragment.mp4?SessionToken=T&TrackNumber=1"` + "\n" + entry(0) + entry(1) + entry(2) + "#EXT-X-ENDLIST\n"
		text, named := c.mediaPlaylist(master)
		if text != want {
			t.Errorf("media:\n%s, want\n%s", text, want)
		}
		for _, u := range named {
			if r := c.get(u); r.status != http.StatusOK || r.header.Get("Content-Type") != "video/mp4" || string(r.body[4:8]) != "moof" {
				t.Errorf("%s: %d %.100q", u, r.status, r.body)
			}
		}

		in = object{"PlaybackMode": "ON_DEMAND", "ContainerFormat": "MPEG_TS", "MaxMediaPlaylistFragmentResults": 2,
			"HLSFragmentSelector": ranged(server, from, from.Add(time.Minute))}
		text, named = c.mediaPlaylist(c.session("HLS", in))
		entry = func(i int) string {
			return fmt.Sprintf("#EXT-X-DISCONTINUITY\n#EXTINF:2.000,\ngetTSFragment.ts?FragmentNumber=%d&SessionToken=T&TrackNumber=1\n", i)
		}
		want = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-INDEPENDENT-SEGMENTS\n" +
			entry(0) + entry(1) + "#EXT-X-ENDLIST\n"
		if text != want {
			t.Errorf("transport streams:\n%s, want\n%s", text, want)
		}
		if r := c.get(named[1]); r.status != http.StatusOK || r.header.Get("Content-Type") != "video/MP2T" || len(r.body)%188 != 0 || r.body[0] != 0x47 {
			t.Errorf("%s: %d %.100q", named[1], r.status, r.body)
		}
		if r := c.get(strings.Replace(named[1], "FragmentNumber=1", "FragmentNumber=2", 1)); r.status != http.StatusNotFound {
			t.Errorf("a fragment that is not in the playlist: %d", r.status)
		}
	})
}

// sequence is where a playlist begins.
func sequence(t *testing.T, text string) (n int) {
	t.Helper()
	_, after, _ := strings.Cut(text, "#EXT-X-MEDIA-SEQUENCE:")
	if _, err := fmt.Sscan(after, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSessionsLive: a live playlist has the newest fragments, one more whenever one comes, and ends when none has for 30 seconds; a
// replayed one begins at its start and goes on as it plays.
func TestSessionsLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(time.Minute)
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: until20s{card(t), end}}}})
		live := c.session("HLS", object{"MaxMediaPlaylistFragmentResults": 3, "Expires": 3600})
		manifest := c.session("DASH", object{"MaxManifestFragmentResults": 3, "Expires": 3600})
		replay := c.session("HLS", object{"PlaybackMode": "LIVE_REPLAY", "Expires": 3600,
			"HLSFragmentSelector": ranged(producer, time.Now().Add(-20*time.Second), time.Time{})})
		bounded := c.session("HLS", object{"PlaybackMode": "LIVE_REPLAY",
			"HLSFragmentSelector": ranged(producer, time.Now().Add(-20*time.Second), time.Now().Add(-16*time.Second))})
		for i := range 20 {
			text, named := c.mediaPlaylist(live)
			if got := sequence(t, text); got != i || len(named) != 3 || strings.Contains(text, "ENDLIST") {
				t.Errorf("after %d s: fragment %d, %d of them", 2*i, got, len(named))
			}
			if c.get(named[2]).status != http.StatusOK {
				t.Errorf("after %d s: the newest cannot be had", 2*i)
			}
			text, named = c.mediaPlaylist(replay)
			if first := sequence(t, text); first+len(named) != i+1 || len(named) > 5 {
				t.Errorf("replayed after %d s: %d fragments from %d on", 2*i, len(named), first)
			}
			text, named = c.mediaPlaylist(bounded)
			if first := sequence(t, text); first+len(named) != min(i+1, 3) || strings.Contains(text, "ENDLIST") != (i >= 2) {
				t.Errorf("replayed to its end after %d s: %d fragments from %d on\n%s", 2*i, len(named), first, text)
			}
			mpd := string(c.get(manifest).body)
			if !strings.Contains(mpd, fmt.Sprintf(`startNumber="%d"`, i)) || strings.Count(mpd, "<S ") != 6 || !strings.Contains(mpd, `type="dynamic"`) {
				t.Errorf("after %d s:\n%s", 2*i, mpd)
			}
			time.Sleep(2 * time.Second)
		}
		_, variants := c.playlist(live)
		time.Sleep(time.Until(end.Add(31 * time.Second)))
		const missing, what = "ResourceNotFoundException", "No fragments found in the stream for the streaming request."
		c.get(variants[0]).wantError(t, 404, missing, what)
		c.get(manifest).wantError(t, 404, missing, what)
		c.openSession("HLS", nil).wantError(t, 404, missing, what)
		c.openSession("DASH", object{"DASHFragmentSelector": object{"FragmentSelectorType": producer}}).wantError(t, 404, missing, what)
	})
}

// until20s is footage that ends.
type until20s struct {
	footage.Source
	end time.Time
}

func (u until20s) Fragments(sel footage.Selector, from, to time.Time) []footage.Fragment {
	return slices.DeleteFunc(u.Source.Fragments(sel, from, to), func(f footage.Fragment) bool { return f.Server.After(u.end) })
}

// TestSessionsEnd: a session ends with its time, and the oldest of eleven when the eleventh begins; those of the other protocol do not
// count.
func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
		var hls, dash []string
		for range 11 {
			hls = append(hls, c.session("HLS", nil))
			time.Sleep(time.Second)
		}
		for range 10 {
			dash = append(dash, c.session("DASH", object{"Expires": 301}))
		}
		ended := func(u string) {
			c.get(u).wantError(t, 403, "AccessDeniedException", "Streaming session token is expired")
		}
		ended(hls[0])
		ended(strings.Replace(hls[1], "SessionToken=", "SessionToken=x", 1))
		ended(strings.Replace(dash[0], "/dash/v1/getDASHManifest.mpd", "/hls/v1/getHLSMasterPlaylist.m3u8", 1))
		for _, u := range slices.Concat(hls[1:], dash) {
			if r := c.get(u); r.status != http.StatusOK {
				t.Errorf("%s: %d %s", u, r.status, r.body)
			}
		}
		time.Sleep(300*time.Second - time.Millisecond)
		ended(hls[9])
		if r := c.get(hls[10]); r.status == http.StatusOK {
			t.Errorf("a session of 300 s is there after %d s", 301)
		}
		if r := c.get(dash[0]); r.status != http.StatusOK {
			t.Errorf("a session of 301 s ended before: %d", r.status)
		}
		time.Sleep(2 * time.Second)
		ended(dash[0])
	})
}

func TestSessionsRefused(t *testing.T) {
	const invalid, missing, stored = "InvalidArgumentException", "ResourceNotFoundException", "ON_DEMAND"
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: card(t)}, {Name: "empty"}}})
		c.control("/createStream", object{"StreamName": "unkept"}).into(t, new(object))
		now := time.Now()
		ago := func(d time.Duration) time.Time { return now.Add(-d) }
		for _, protocol := range []string{"HLS", "DASH"} {
			sel, most := protocol+"FragmentSelector", map[string]string{"HLS": "MaxMediaPlaylistFragmentResults", "DASH": "MaxManifestFragmentResults"}[protocol]
			for _, tc := range []struct {
				in         object
				status     int
				kind, want string
			}{
				{object{"StreamName": "gone"}, 404, missing, "not found or not active"},
				{object{"StreamName": "empty"}, 404, missing, "No fragments found"},
				{object{"StreamName": "unkept"}, 400, "NoDataRetentionException", "equal to zero"},
				{object{"PlaybackMode": "FAST"}, 400, invalid, "enum value set: [LIVE, LIVE_REPLAY, ON_DEMAND]"},
				{object{"PlaybackMode": stored}, 400, invalid, "are required"},
				{object{"PlaybackMode": stored, sel: ranged(producer, ago(time.Minute), time.Time{})}, 400, invalid, "EndTimestamp is required"},
				{object{"PlaybackMode": stored, sel: ranged(producer, ago(time.Minute), ago(time.Minute))}, 400, invalid, "later than"},
				{object{"PlaybackMode": stored, sel: ranged(producer, ago(25*time.Hour), ago(time.Minute))}, 400, invalid, "within 24 hours"},
				{object{"PlaybackMode": stored, sel: ranged(server, ago(time.Hour), now.Add(time.Hour))}, 400, invalid, "in the past"},
				{object{"PlaybackMode": stored, sel: ranged("NOW", ago(time.Hour), now)}, 400, invalid, "fragmentSelectorType"},
				{object{"PlaybackMode": stored, sel: ranged(producer, ago(1000*time.Hour), ago(999*time.Hour))}, 404, missing, "No fragments found"},
				{object{"PlaybackMode": "LIVE_REPLAY", sel: object{"FragmentSelectorType": producer}}, 400, invalid, "are required"},
				{object{sel: ranged(producer, ago(time.Minute), now)}, 400, invalid, "should not be set"},
				{object{"Expires": 299}, 400, invalid, "greater than or equal to 300"},
				{object{"Expires": 43201}, 400, invalid, "less than or equal to 43200"},
				{object{most: 0}, 400, invalid, "greater than or equal to 1"},
				{object{most: 5001}, 400, invalid, "less than or equal to 5000"},
			} {
				c.openSession(protocol, tc.in).wantError(t, tc.status, tc.kind, tc.want)
			}
		}
		c.openSession("HLS", object{"ContainerFormat": "WEBM"}).wantError(t, 400, invalid, "enum value set: [FRAGMENTED_MP4, MPEG_TS]")
		c.openSession("HLS", object{"DiscontinuityMode": "SOMETIMES"}).wantError(t, 400, invalid, "enum value set: [ALWAYS, NEVER, ON_DISCONTINUITY]")
	})
}

// TestSessionsCodecChange: a fragment that is coded in another way than the first of its session is in the playlist, and cannot be had.
// Gaps are marked where that is asked for, and of two fragments with one producer time the newer is played.
func TestSessionsCodecChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		var made fixed
		for i, f := range card(t).Fragments(footage.ByProducer, now.Add(-time.Minute), now.Add(-51*time.Second)) {
			video := f.VideoTrack()
			producer := f.Producer
			switch i {
			case 2:
				producer = made[1].Producer
			case 3:
				producer = producer.Add(8 * time.Second)
				video.Private = append(slices.Clone(video.Private), 0)
			}
			g, err := footage.NewFragment(f.Number, producer, f.Server, video, f.Video(), nil, nil, 40*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			made = append(made, g)
		}
		slices.SortFunc(made, func(a, b footage.Fragment) int { return a.Producer.Compare(b.Producer) })
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: made}}})
		for _, container := range []string{"FRAGMENTED_MP4", "MPEG_TS"} {
			text, named := c.mediaPlaylist(c.session("HLS", object{"PlaybackMode": "ON_DEMAND", "ContainerFormat": container, "DiscontinuityMode": "ON_DISCONTINUITY",
				"HLSFragmentSelector": ranged(producer, now.Add(-time.Minute), now)}))
			if len(named) != 4 || strings.Count(text, "DISCONTINUITY\n") != 2 {
				t.Fatalf("%s: %d fragments:\n%s", container, len(named), text)
			}
			c.get(named[3]).wantError(t, 400, "InvalidCodecPrivateDataException", "not consistent")
			for _, u := range named[:3] {
				if r := c.get(u); r.status != http.StatusOK {
					t.Errorf("%s: %d %s", u, r.status, r.body)
				}
			}
		}
	})
}

// TestSessionsQuota: five playlists and twenty fragments a second.
func TestSessionsQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
		master := c.session("HLS", nil)
		_, named := c.mediaPlaylist(master)
		time.Sleep(time.Second)
		if n := until(t, func() response { return c.get(master) }); n != 5 {
			t.Errorf("%d playlists in a second, want 5", n)
		}
		if n := until(t, func() response { return c.get(named[0]) }); n != 20 {
			t.Errorf("%d fragments in a second, want 20", n)
		}
		if n := until(t, func() response { return c.openSession("HLS", nil) }); n != 5 {
			t.Errorf("%d more sessions in a second, want 5", n)
		}
	})
}

// TestCrossOrigin: pages of other origins can use the operations and play sessions, and cannot control the emulator.
func TestCrossOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
		ask := func(method, url string) http.Header {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Origin", "https://app.example")
			req.Header.Set("Access-Control-Request-Headers", "authorization,x-amz-date")
			return c.do(req).header
		}
		for _, u := range []string{c.server.Endpoint() + "/describeStream", c.endpoint("a", "GET_CLIP") + "/getClip"} {
			if h := ask(http.MethodOptions, u); h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Headers") != "authorization,x-amz-date" ||
				!strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") {
				t.Errorf("%s: %v", u, h)
			}
		}
		if h := ask(http.MethodGet, c.session("HLS", nil)); h.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("a playlist: %v", h)
		}
		if h := ask(http.MethodGet, c.server.Endpoint()+"/_emulator/calls"); h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("the emulator's own: %v", h)
		}
	})
}
