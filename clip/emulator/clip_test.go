package emulator_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/payload"
	"clipfs/clip/emulator/wire"
)

const (
	producer = "PRODUCER_TIMESTAMP"
	server   = "SERVER_TIMESTAMP"
)

// card is the test card in a loop: fragments of 2 s and 50 frames that start at even seconds.
func card(t *testing.T) footage.Source {
	t.Helper()
	m, err := footage.TestCard()
	if err != nil {
		t.Fatal(err)
	}
	return footage.NewLoop(m, time.Unix(0, 0), footage.Options{})
}

// clip asks for a clip.
func (c *client) clip(data, stream, kind string, from, to time.Time) response {
	c.t.Helper()
	return c.call(data, "/getClip", object{"StreamName": stream, "ClipFragmentSelector": selector(kind, from, to)})
}

// clipFragments gives how many fragments GetClip put into clips of a stream so far.
func (c *client) clipFragments(stream wire.StreamName) (n int64) {
	for _, k := range c.server.Calls() {
		if k.API == wire.GetClip && k.Stream == stream {
			n += k.Fragments
		}
	}
	return n
}

func TestGetClipSelection(t *testing.T) {
	const badArg = "InvalidArgumentException"
	synctest.Test(t, func(t *testing.T) {
		now := time.Now() // midnight
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
		data := c.endpoint("a", "GET_CLIP")
		ago := func(d time.Duration) time.Time { return now.Add(-d) }
		s, ms := time.Second, time.Millisecond
		tests := []struct {
			name     string
			kind     string
			from, to time.Time
			want     int64
			err      string
		}{
			{"the end is inclusive", producer, ago(60 * s), ago(40 * s), 11, ""},
			{"a millisecond less", producer, ago(60 * s), ago(40*s + ms), 10, ""},
			{"a fragment that runs at the start is not in", producer, ago(60*s - ms), ago(40 * s), 10, ""},
			{"one that runs at the end is in, whole", producer, ago(60 * s), ago(59 * s), 1, ""},
			{"the shortest range", producer, ago(60 * s), ago(60*s - ms), 1, ""},
			{"by server time", server, ago(60*s - 250*ms), ago(40*s - 250*ms), 11, ""},
			{"by server time, just inside", server, ago(60*s - 251*ms), ago(40*s - 249*ms), 9, ""},
			{"cut at 200 fragments", producer, ago(time.Hour), ago(s), 200, ""},
			{"200 fragments", producer, ago(400 * s), ago(2 * s), 199, ""},
			{"24 hours", producer, ago(24*time.Hour + s), ago(s), 200, ""},
			{"longer than 24 hours", producer, ago(24*time.Hour + s), ago(s - ms), 0, badArg},
			{"end in the future", producer, ago(10 * s), now.Add(time.Hour), 4, ""},
			{"end in the future by server time", server, ago(10 * s), now.Add(ms), 0, badArg},
			{"end now by server time", server, ago(10 * s), now, 5, ""},
			{"end at start", producer, ago(10 * s), ago(10 * s), 0, badArg},
			{"end before start", producer, ago(10 * s), ago(11 * s), 0, badArg},
			{"no footage", producer, ago(60*s - ms), ago(58*s + ms), 0, "ResourceNotFoundException"},
			{"older than the retention", producer, ago(72 * time.Hour), ago(49 * time.Hour), 0, "ResourceNotFoundException"},
			{"older than the retention by server time", server, ago(72 * time.Hour), ago(49 * time.Hour), 0, badArg},
			{"from before the retention", producer, ago(48*time.Hour + 10*s), ago(48*time.Hour - 4*s), 3, ""},
		}
		for _, tt := range tests {
			before := c.clipFragments("a")
			r := c.clip(data, "a", tt.kind, tt.from, tt.to)
			got := c.clipFragments("a") - before
			if got != tt.want {
				t.Errorf("%s: %d fragments, want %d: %.200s", tt.name, got, tt.want, r.body)
			}
			if (tt.err == "") != (r.status == http.StatusOK) || !strings.HasPrefix(r.header.Get("x-amzn-ErrorType"), tt.err) {
				t.Errorf("%s: status %d %s", tt.name, r.status, r.body)
			}
		}
	})
}

func TestGetClipRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		c := start(t, emulator.Options{Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
		data := c.endpoint("a", "GET_CLIP")
		c.control("/createStream", object{"StreamName": "kept", "DataRetentionInHours": 1}).into(t, new(object))
		c.control("/createStream", object{"StreamName": "unkept"}).into(t, new(object))
		from, to := now.Add(-time.Minute), now.Add(-time.Second)
		c.clip(data, "zz", producer, from, to).wantError(t, 404, "ResourceNotFoundException",
			"The requested stream is not found or not active.")
		c.clip(data, "kept", producer, from, to).wantError(t, 404, "ResourceNotFoundException",
			"No fragments found in the stream for the clip request.")
		c.clip(data, "unkept", producer, from, to).wantError(t, 400, "NoDataRetentionException", "")
		c.clip(data, "a", "", from, to).wantError(t, 400, "InvalidArgumentException",
			"at 'clipFragmentSelector.fragmentSelectorType' failed to satisfy constraint: Member must satisfy enum value set")
		c.call(data, "/getClip", object{"StreamName": "a"}).wantError(t, 400, "InvalidArgumentException",
			"Value null at 'clipFragmentSelector' failed to satisfy constraint: Member must not be null")
		// 15 fragments' worth of points are left after two clips of 200 and one of 85.
		for _, tt := range []struct {
			fragments int
			ok        bool
		}{{200, true}, {200, true}, {101, false}, {85, true}, {16, false}, {15, true}, {1, false}} {
			r := c.clip(data, "a", producer, now.Add(-time.Hour), now.Add(-time.Hour+time.Duration(tt.fragments)*2*time.Second-time.Millisecond))
			if tt.ok && r.status != http.StatusOK {
				t.Errorf("%d fragments: %d %s", tt.fragments, r.status, r.body)
			} else if !tt.ok {
				r.wantError(t, 400, "ClientLimitExceededException", "")
			}
		}
	})
}

// heavy is a source whose fragments say that they are larger than they are.
type heavy struct {
	footage.Source
	size int64
}

func (h heavy) Fragments(sel footage.Selector, from, to time.Time) []footage.Fragment {
	f := h.Source.Fragments(sel, from, to)
	for i := range f {
		f[i].Size = h.size
	}
	return f
}

func TestGetClipCutBySize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for size, want := range map[int64]int64{1_000_000: 100, 1_000_001: 99, 40_000_000: 2, 120_000_000: 1} {
			c := start(t, emulator.Options{Streams: []emulator.Stream{{Name: "a", Source: heavy{card(t), size}}}})
			now := time.Now()
			r := c.clip(c.endpoint("a", "GET_CLIP"), "a", producer, now.Add(-time.Hour), now)
			if got := c.clipFragments("a"); got != want || r.status != http.StatusOK {
				t.Errorf("fragments of %d bytes: status %d, %d fragments, want %d", size, r.status, got, want)
			}
		}
	})
}

// Of fragments with one producer timestamp a clip has the first ingested; listings have all.
func TestGetClipDropsDuplicates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := footage.TestCard()
		if err != nil {
			t.Fatal(err)
		}
		// Footage without stamps is smaller, which tells the two apart.
		plain := footage.NewLoop(m, time.Unix(0, 0), footage.Options{NoStamp: true})
		c := start(t, emulator.Options{Streams: []emulator.Stream{{Name: "stamped", Source: card(t)}, {Name: "plain", Source: plain},
			{Name: "stamped-first", Source: card(t)}, {Name: "stamped-first", Source: plain},
			{Name: "plain-first", Source: plain}, {Name: "plain-first", Source: card(t)}}})
		data, now := c.endpoint("plain", "GET_CLIP"), time.Now()
		from, to := now.Add(-time.Minute), now.Add(-41*time.Second)
		size := func(stream string) int { return len(c.clip(data, stream, producer, from, to).body) }
		if size("stamped") == size("plain") {
			t.Fatal("stamps make no difference")
		}
		for _, first := range []string{"stamped", "plain"} {
			twice := wire.StreamName(first + "-first")
			if got, want := size(string(twice)), size(first); got != want || c.clipFragments(twice) != 10 {
				t.Errorf("%s: %d fragments, %d bytes, want 10 and %d", twice, c.clipFragments(twice), got, want)
			}
			numbers, _ := c.all(data, object{"StreamName": twice, "FragmentSelector": selector(producer, from, to)})
			if len(numbers) != 20 {
				t.Errorf("%s: %d fragments listed, want 20", twice, len(numbers))
			}
		}
	})
}

// A chunked clip that is cut off must not end as if it were whole.
func TestCloseCutsClip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{Chunked: true, Bandwidth: 1000, Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
		body, err := json.Marshal(object{"StreamName": "a", "ClipFragmentSelector": selector(producer, time.Now().Add(-time.Minute), time.Now())})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.http.Do(c.request(c.endpoint("a", "GET_CLIP"), "/getClip", body))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		if _, err := io.CopyN(io.Discard, resp.Body, 2000); err != nil {
			t.Fatal(err)
		}
		// The client goes on reading, so that an end of the body would reach it.
		rest := make(chan error)
		go func() {
			_, err := io.Copy(io.Discard, resp.Body)
			rest <- err
		}()
		go func() { _ = c.server.Close() }()
		if err := <-rest; err == nil {
			t.Error("the body ended as if it were whole")
		}
	})
}

// The answer's headers, and that no two are equal.
func TestGetClipAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		for _, chunked := range []bool{false, true} {
			c := start(t, emulator.Options{Chunked: chunked, Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
			data := c.endpoint("a", "GET_CLIP")
			req := func() response {
				return c.clip(data, "a", producer, now.Add(-20*time.Second), now.Add(-10*time.Second))
			}
			first, second := req(), req()
			if got := first.header.Get("Content-Type"); got != "video/mp4" {
				t.Errorf("content type %q", got)
			}
			want := strconv.Itoa(len(first.body))
			if chunked {
				want = ""
			}
			if got := first.header.Get("Content-Length"); got != want {
				t.Errorf("chunked %v: content length %q, want %q", chunked, got, want)
			}
			if bytes.Equal(first.body, second.body) || len(first.body) != len(second.body) {
				t.Errorf("chunked %v: of %d and %d bytes, equal: %v", chunked, len(first.body), len(second.body), bytes.Equal(first.body, second.body))
			}
		}
	})
}

func TestGetClipBandwidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{Bandwidth: 20_000, Latency: time.Second, Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
		data, begin := c.endpoint("a", "GET_CLIP"), time.Now()
		n := len(c.clip(data, "a", producer, begin.Add(-time.Minute), begin.Add(-time.Second)).body)
		want := time.Second + time.Duration(n)*time.Second/20_000
		if d := time.Since(begin); d > want || d < want-time.Second/10 {
			t.Errorf("%d bytes took %s, want about %s", n, d, want)
		}
		var counted int64
		for _, k := range c.server.Calls() {
			if k.API == wire.GetClip {
				counted += k.Bytes
			}
		}
		if counted != int64(n) {
			t.Errorf("%d bytes counted, want %d", counted, n)
		}
	})
}

func TestGetClipMoovLast(t *testing.T) {
	now := time.Now().UTC()
	for _, last := range []bool{false, true} {
		o := emulator.Options{Streams: []emulator.Stream{{Name: "a", Source: card(t)}}}
		if last {
			o.Payload.Moov = payload.MoovLast
		}
		c := startLoopback(t, o)
		r := c.clip(c.endpoint("a", "GET_CLIP"), "a", producer, now.Add(-30*time.Second), now.Add(-10*time.Second))
		if got := bytes.Index(r.body, []byte("moov")) > bytes.Index(r.body, []byte("mdat")); got != last {
			t.Errorf("moov last: %v, want %v", got, last)
		}
	}
}
