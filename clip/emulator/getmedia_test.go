package emulator_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/fault"
	"clipfs/clip/emulator/footage"
	camera "clipfs/clip/emulator/producer"
)

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 3000 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

// mediaStream is an answer of GetMedia that is being read.
type mediaStream struct {
	t    *testing.T
	body io.ReadCloser
	read []byte
}

// getMedia asks for the media of a stream.
func (c *client) getMedia(stream string, selector object) *mediaStream {
	c.t.Helper()
	resp := c.askMedia(stream, selector)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "video/webm" {
		c.t.Fatalf("media from %v: %s, %s", selector, resp.Status, resp.Header.Get("Content-Type"))
	}
	return &mediaStream{t: c.t, body: resp.Body}
}

// askMedia gives the response as it is.
func (c *client) askMedia(stream string, selector object) *http.Response {
	c.t.Helper()
	body := fmt.Sprintf(`{"StreamName": %q, "StartSelector": {`, stream)
	for k, v := range selector {
		body += fmt.Sprintf("%q: %v,", k, v)
	}
	resp, err := c.http.Do(c.request(c.dataEndpoint(), "/getMedia", []byte(strings.TrimSuffix(body, ",")+"}}")))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// tokens are the numbers in the continuation tokens of chunks.
func tokens(media []byte) (numbers []string) {
	for _, m := range regexp.MustCompile(`(?s)_CONTINUATION_TOKEN...(\d{47})`).FindAllSubmatch(media, -1) {
		numbers = append(numbers, string(m[1]))
	}
	return numbers
}

// next gives the numbers of the next chunks.
func (m *mediaStream) next(n int) []string {
	m.t.Helper()
	part := make([]byte, 32<<10)
	for len(tokens(m.read)) < n {
		k, err := m.body.Read(part)
		m.read = append(m.read, part[:k]...)
		if err != nil {
			m.t.Fatalf("%d chunks, want %d: %v", len(tokens(m.read)), n, err)
		}
	}
	numbers := tokens(m.read)[:n]
	_, m.read, _ = bytes.Cut(m.read, []byte("_CONTINUATION_TOKEN\x44\x87\xaf"+numbers[n-1]))
	return numbers
}

// rest gives what comes until the answer ends.
func (m *mediaStream) rest() []byte {
	m.t.Helper()
	b, err := io.ReadAll(m.body)
	if err != nil {
		m.t.Fatal(err)
	}
	return append(m.read, b...)
}

// TestGetMediaSelectors: each selector begins with the fragment that the reference says, and what follows is what was taken in after
// it, each once, now and as it comes.
func TestGetMediaSelectors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Retention: time.Hour, Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
		now := time.Now()
		all := c.list("a", server, now.Add(-2*time.Hour), now)
		quoted := func(i int) string { return fmt.Sprintf("%q", all[i].FragmentNumber) }
		last := len(all) - 1
		for _, tc := range []struct {
			selector object
			first    int
		}{
			{object{"StartSelectorType": `"NOW"`}, last},
			{object{"StartSelectorType": `"EARLIEST"`}, 0},
			{object{"StartSelectorType": `"FRAGMENT_NUMBER"`, "AfterFragmentNumber": quoted(700)}, 701},
			{object{"StartSelectorType": `"CONTINUATION_TOKEN"`, "ContinuationToken": quoted(last - 1)}, last},
			{object{"StartSelectorType": `"SERVER_TIMESTAMP"`, "StartTimestamp": all[900].ServerTimestamp}, 900},
			{object{"StartSelectorType": `"SERVER_TIMESTAMP"`, "StartTimestamp": all[900].ServerTimestamp + 1.9}, 900},
			{object{"StartSelectorType": `"SERVER_TIMESTAMP"`, "StartTimestamp": 0}, 0},
			{object{"StartSelectorType": `"PRODUCER_TIMESTAMP"`, "StartTimestamp": all[1000].ProducerTimestamp + 0.001}, 1000},
		} {
			m := c.getMedia("a", tc.selector)
			n := min(3, len(all)-tc.first)
			var want []string
			for _, f := range all[tc.first : tc.first+n] {
				want = append(want, f.FragmentNumber)
			}
			if got := m.next(n); !slices.Equal(got, want) {
				t.Errorf("%v: got %v, want %v", tc.selector, got, want)
			}
		}

		m := c.getMedia("a", object{"StartSelectorType": `"NOW"`})
		came := m.next(1)
		future := c.getMedia("a", object{"StartSelectorType": `"PRODUCER_TIMESTAMP"`, "StartTimestamp": seconds(now.Add(9 * time.Second))})
		for range 10 {
			came = append(came, m.next(1)...)
		}
		if passed := time.Since(now); passed < 18*time.Second || passed > 21*time.Second {
			t.Errorf("ten more fragments of two seconds came in %s", passed)
		}
		var want []string
		for _, f := range c.list("a", server, now.Add(-2*time.Second), time.Now()) {
			want = append(want, f.FragmentNumber)
		}
		if !slices.Equal(came, want[len(want)-len(came):]) {
			t.Errorf("live: got %v, want %v", came, want)
		}
		first := future.next(1)[0]
		for _, f := range c.list("a", server, now, time.Now()) {
			if at := f.ProducerTimestamp - float64(now.UnixMilli())/1000; f.FragmentNumber == first && (at > 9 || at <= 7) {
				t.Errorf("a timestamp that is still to come begins with the fragment at %f s", at)
			}
		}
	})
}

// TestGetMediaRefused: what cannot be given is refused, or ends the answer as the reference says.
func TestGetMediaRefused(t *testing.T) {
	const invalid = "InvalidArgumentException"
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
		data := c.endpoint("a", "GET_MEDIA")
		unknown := strings.Repeat("1", 47)
		for _, tc := range []struct {
			stream     string
			selector   object
			kind, want string
			status     int
		}{
			{"zz", object{"StartSelectorType": "NOW"}, "ResourceNotFoundException", "not found", 404},
			{"a", object{}, invalid, "startSelector.startSelectorType", 400},
			{"a", object{"StartSelectorType": "LATEST"}, invalid, "enum value set: [FRAGMENT_NUMBER, ", 400},
			{"a", object{"StartSelectorType": "FRAGMENT_NUMBER"}, invalid, "AfterFragmentNumber is required", 400},
			{"a", object{"StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": "x"}, invalid, "afterFragmentNumber", 400},
			{"a", object{"StartSelectorType": "SERVER_TIMESTAMP"}, invalid, "StartTimestamp is required", 400},
			{"a", object{"StartSelectorType": "CONTINUATION_TOKEN"}, invalid, "ContinuationToken is required", 400},
			{"a", object{"StartSelectorType": "CONTINUATION_TOKEN", "ContinuationToken": "abc"}, invalid, "ContinuationToken", 400},
		} {
			c.call(data, "/getMedia", object{"StreamName": tc.stream, "StartSelector": tc.selector}).wantError(t, tc.status, tc.kind, tc.want)
		}
		m := c.getMedia("a", object{"StartSelectorType": `"FRAGMENT_NUMBER"`, "AfterFragmentNumber": `"` + unknown + `"`})
		if got := m.rest(); !bytes.HasPrefix(got, []byte{0x1a, 0x45, 0xdf, 0xa3}) || !bytes.Contains(got, []byte("_ERROR_ID\x44\x87\x844000")) || len(got) > 300 {
			t.Errorf("after an unknown fragment: %q", got)
		}
		list := func(numbers ...string) response {
			return c.call(data, "/getMediaForFragmentList", object{"StreamName": "a", "Fragments": numbers})
		}
		list().wantError(t, 400, invalid, "fragments")
		list("x").wantError(t, 400, invalid, "fragments.1.member")
		now := time.Now()
		known := c.list("a", server, now.Add(-time.Minute), now)[3].FragmentNumber
		got := list(known, unknown, known).body
		if n := bytes.Count(got, []byte(known)); n != 1 || !bytes.Contains(got, []byte("_FRAGMENT_NUMBER\x44\x87\xaf"+unknown)) ||
			!bytes.Contains(got, []byte("_EXCEPTION_ERROR_CODE\x44\x87\x844000")) {
			t.Errorf("an unknown fragment behind a known one: %d bytes, the known one %d times", len(got), n)
		}
	})
}

// TestGetMediaQuota: three clients at once, five calls a second; a client that goes makes room for another. An answer ends with its
// stream.
func TestGetMediaQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{})
		c.create("a", 1)
		now := object{"StartSelectorType": `"NOW"`}
		held := []*mediaStream{c.getMedia("a", now), c.getMedia("a", now), c.getMedia("a", now)}
		refused := func() string { return c.askMedia("a", now).Header.Get("x-amzn-ErrorType") }
		if got := refused(); !strings.HasPrefix(got, "ConnectionLimitExceededException") {
			t.Errorf("the fourth: %q", got)
		}
		refused()
		if got := refused(); !strings.HasPrefix(got, "ClientLimitExceededException") {
			t.Errorf("the sixth in a second: %q", got)
		}
		if err := held[0].body.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		again := c.getMedia("a", now)
		time.Sleep(time.Second)
		c.control("/deleteStream", object{"StreamARN": c.describe(object{"StreamName": "a"}).StreamARN}).into(t, new(object))
		if got := again.rest(); len(got) > 0 {
			t.Errorf("%d bytes of an empty stream", len(got))
		}
	})
}

// TestMediaTags: a fragment has the tags that came before the first cluster or behind its own, as they were sent; those behind a cluster
// of known size come too late for it. They outlive a restart.
func TestMediaTags(t *testing.T) {
	dir := t.TempDir()
	c, stop := on(t, emulator.Options{Data: dir})
	c.create("a", 24)
	key := frame{1, 0, true}
	m := newMatroska()
	m.header = append(m.header, tags("head", "0")...)
	known := slices.Concat(element(0x1f43b675, element(0xe7, number(5000)), element(0xa3, key.block())), tags("late", "4"))
	body := slices.Concat(m.cluster(1000, key), tags("one", "1", "two", "2"), tags("three", "3"), new(matroska).cluster(3000, key), known,
		new(matroska).cluster(7000, key), tags(footage.EndOfFragment, ""), new(matroska).cluster(9000, key))
	acks, err := c.put("a", bytes.NewReader(body), camera.Options{})
	if err != nil {
		t.Fatal(err)
	}
	numbers := camera.Numbers(acks)
	check := func() {
		t.Helper()
		r := c.call(c.endpoint("a", "GET_MEDIA_FOR_FRAGMENT_LIST"), "/getMediaForFragmentList", object{"StreamName": "a", "Fragments": numbers})
		chunks := bytes.Split(r.body, []byte{0x1a, 0x45, 0xdf, 0xa3})[1:]
		if len(chunks) != 5 {
			t.Fatalf("%d chunks of %d", len(chunks), len(numbers))
		}
		for i, want := range [][]byte{slices.Concat(tags("head", "0"), tags("one", "1", "two", "2"), tags("three", "3")), nil, nil, tags("late", "4"), nil} {
			_, cluster, _ := bytes.Cut(chunks[i], []byte{0x1f, 0x43, 0xb6, 0x75})
			if _, got, _ := bytes.Cut(cluster, []byte("frame")); !bytes.Equal(got, want) {
				t.Errorf("chunk %d has %q behind its frame, want %q", i, got, want)
			}
		}
	}
	check()
	stop()
	c, _ = on(t, emulator.Options{Data: dir})
	check()
}

// TestGetMediaFaults: a fault that needs a whole answer takes what there is now.
func TestGetMediaFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: card(t)}}})
		var sizes []int
		for _, kind := range []string{"garbage", "truncate,at=50%"} {
			rule, err := fault.Parse("kind=" + kind + ",api=GetMedia,count=1")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.server.AddFaults(rule); err != nil {
				t.Fatal(err)
			}
			got := c.getMedia("a", object{"StartSelectorType": `"NOW"`}).rest()
			sizes = append(sizes, len(got))
		}
		if sizes[0] == 0 || sizes[1] != sizes[0]/2 {
			t.Errorf("got %d bytes of garbage and %d of half an answer", sizes[0], sizes[1])
		}
	})
}

// TestGetMediaWithoutRetention: what a stream does not keep can be read while it comes.
func TestGetMediaWithoutRetention(t *testing.T) {
	c := startLoopback(t, emulator.Options{NoQuota: true})
	c.create("a", 0)
	m := c.getMedia("a", object{"StartSelectorType": `"NOW"`})
	now := time.Now()
	c.putCard("a", now.Add(-6*time.Second), now, camera.Options{})
	if got := m.next(3); len(got) != 3 || !slices.IsSorted(got) {
		t.Errorf("got %v", got)
	}
	if got := c.getMedia("a", object{"StartSelectorType": `"EARLIEST"`}).next(3); !slices.IsSorted(got) {
		t.Errorf("from the earliest: %v", got)
	}
	if got := c.list("a", producer, now.Add(-time.Hour), time.Now()); len(got) > 0 {
		t.Errorf("listed %v", got)
	}
}

// TestGetMediaOverClock: where the clock is set ahead, all that lies between comes; where it is set back, what is taken in from then on,
// recorded and pushed.
func TestGetMediaOverClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a", Source: card(t)}, {Name: "pushed"}}})
		set := func(at time.Time) {
			t.Helper()
			if err := c.server.SetNow(at); err != nil {
				t.Fatal(err)
			}
		}
		listed := func(from time.Time) (numbers []string) {
			for _, f := range c.list("a", server, from, c.server.Now()) {
				numbers = append(numbers, f.FragmentNumber)
			}
			return numbers
		}
		begin := time.Now()
		m := c.getMedia("a", object{"StartSelectorType": `"NOW"`})
		pushed := c.getMedia("pushed", object{"StartSelectorType": `"NOW"`})
		came := m.next(1)
		set(begin.Add(time.Minute))
		came = append(came, m.next(30)...)
		if passed, want := time.Since(begin), listed(begin.Add(-2*time.Second)); passed > time.Second || !slices.Equal(came, want[len(want)-31:]) {
			t.Errorf("set ahead: %d fragments in %s, listed are %d", len(came), passed, len(want))
		}
		c.putCard("pushed", begin, begin.Add(3*time.Second), camera.Options{})
		before := pushed.next(2)

		back := begin.Add(-time.Hour)
		set(back)
		c.putCard("pushed", begin.Add(time.Minute), begin.Add(63*time.Second), camera.Options{})
		if after := pushed.next(2); !slices.IsSorted(append(before, after...)) {
			t.Errorf("set back: pushed fragments %v behind %v", after, before)
		}
		came = m.next(3)
		if want := listed(back); !slices.Equal(came, want[:min(3, len(want))]) {
			t.Errorf("set back: got %v, want %v", came, want)
		}
	})
}

// TestMediaBytes: an answer has 25 MB a second, beside others. The first second's worth comes at once.
func TestMediaBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 10_000_000 // of a fragment
		var large fixed
		now := time.Now()
		for _, f := range card(t).Fragments(footage.ByProducer, now.Add(-time.Minute), now.Add(-55*time.Second)) {
			video := f.Video()
			video[0].Data = make([]byte, size)
			g, err := footage.NewFragment(f.Number, f.Producer, f.Server, f.VideoTrack(), video, nil, nil, 40*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			large = append(large, g)
		}
		c := start(t, emulator.Options{Streams: []emulator.Stream{{Name: "a", Source: large}}})
		var numbers []string
		for _, f := range large {
			numbers = append(numbers, f.Number)
		}
		// Two at once take no longer than one.
		for _, list := range []bool{true, false} {
			begin := time.Now()
			var sizes [2]int
			var both sync.WaitGroup
			for i := range sizes {
				both.Go(func() {
					if list {
						body := c.call(c.dataEndpoint(), "/getMediaForFragmentList", object{"StreamName": "a", "Fragments": numbers}).body
						sizes[i] = len(body)
						return
					}
					n, err := io.CopyN(io.Discard, c.getMedia("a", object{"StartSelectorType": `"EARLIEST"`}).body, int64(len(numbers))*size)
					if err != nil {
						t.Error(err)
					}
					sizes[i] = int(n)
				})
			}
			both.Wait()
			for _, n := range sizes {
				want := time.Duration(n-25_000_000) * time.Second / 25_000_000
				if d := time.Since(begin); n < len(numbers)*size || d < want-want/50 || d > want+want/50 {
					t.Errorf("a list: %v: %d bytes in %s, want about %s", list, n, d, want)
				}
			}
		}
	})
}
