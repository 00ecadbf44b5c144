package emulator_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/fault"
	"clipfs/clip/mp4"
)

// faulty is a client of an emulator with a stream of the test card, that asks for ten seconds of it.
type faulty struct {
	*client
	from, to time.Time
}

// startFaulty runs an emulator in which nothing goes wrong yet.
func startFaulty(t *testing.T) *faulty {
	t.Helper()
	c := startLoopback(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "door", Source: card(t)}, {Name: "yard", Source: card(t)}}})
	c.http.Timeout = 20 * time.Second
	from := time.Now().Add(-time.Hour).Truncate(2 * time.Second)
	return &faulty{c, from, from.Add(9 * time.Second)}
}

// set makes something go wrong, and only that.
func (c *faulty) set(t *testing.T, rules ...string) {
	t.Helper()
	c.server.ClearFaults()
	for _, text := range rules {
		r, err := fault.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.server.AddFaults(r); err != nil {
			t.Fatal(err)
		}
	}
}

// try asks for a clip and gives what came of it, cut or whole.
func (c *faulty) try(t *testing.T, stream string) (r response, err error) {
	t.Helper()
	body, _ := json.Marshal(object{"StreamName": stream, "ClipFragmentSelector": selector("PRODUCER_TIMESTAMP", c.from, c.to)})
	req := c.request(c.endpoint(stream, "GET_CLIP"), "/getClip", body)
	req.Close = true // what comes behind a body that is longer than it says is not the next answer
	resp, err := c.http.Do(req)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return response{status: resp.StatusCode, header: resp.Header, body: b}, err
}

// list lists the fragments, page after page, and gives their numbers as they came.
func (c *faulty) list(t *testing.T, pages int) (numbers []string, ended bool) {
	t.Helper()
	data := c.endpoint("door", "LIST_FRAGMENTS")
	in := object{"StreamName": "door", "MaxResults": 1000, "FragmentSelector": selector("PRODUCER_TIMESTAMP", c.from, c.from.Add(59*time.Second))}
	for range pages {
		var out struct {
			Fragments []struct{ FragmentNumber string }
			NextToken string
		}
		c.call(data, "/listFragments", in).into(t, &out)
		for _, f := range out.Fragments {
			numbers = append(numbers, f.FragmentNumber)
		}
		if out.NextToken == "" {
			return numbers, true
		}
		in["NextToken"] = out.NextToken
	}
	return numbers, false
}

// TestFaultsOfConnections: an answer is cut off, stays away or drips, where the rule says.
func TestFaultsOfConnections(t *testing.T) {
	c := startFaulty(t)
	whole, err := c.try(t, "door")
	if err != nil {
		t.Fatal(err)
	}
	size := len(whole.body)
	for _, test := range []struct {
		rule   string
		is     error
		came   int
		answer bool
	}{
		{"kind=reset,api=GetClip", syscall.ECONNRESET, 0, false},
		{"kind=reset,api=GetClip,at=0", syscall.ECONNRESET, 0, true},
		{"kind=close,api=GetClip", io.EOF, 0, false},
		{"kind=close,api=GetClip,at=0", io.ErrUnexpectedEOF, 0, true},
		{"kind=close,api=GetClip,at=12345", io.ErrUnexpectedEOF, 12345, true},
		{"kind=close,api=GetClip,at=50%", io.ErrUnexpectedEOF, size / 2, true},
	} {
		c.set(t, test.rule)
		got, err := c.try(t, "door")
		if !errors.Is(err, test.is) || (got.status == http.StatusOK) != test.answer || len(got.body) != test.came {
			t.Errorf("%s: status %d, %d bytes, %v", test.rule, got.status, len(got.body), err)
		}
	}
	c.set(t, "kind=close,api=GetClip,stream=door,at=1000,count=1")
	if _, err := c.try(t, "yard"); err != nil {
		t.Errorf("of another stream: %v", err)
	}
	if _, err := c.try(t, "door"); err == nil {
		t.Error("the first came whole")
	}
	if got, err := c.try(t, "door"); err != nil || len(got.body) != size {
		t.Errorf("the second: %d bytes, %v", len(got.body), err)
	}

	for rule, least := range map[string]time.Duration{
		"kind=stall,api=GetClip,for=300ms":         300 * time.Millisecond,
		"kind=stall,api=GetClip,at=1000,for=300ms": 300 * time.Millisecond,
		"kind=drip,api=GetClip,at=95%,rate=200kB":  10 * time.Millisecond,
	} {
		c.set(t, rule)
		begun := time.Now()
		got, err := c.try(t, "door")
		if took := time.Since(begun); err != nil || len(got.body) != size || took < least {
			t.Errorf("%s: %d bytes, %v, after %s", rule, len(got.body), err, took)
		}
	}
	c.set(t, "kind=stall,api=GetClip,at=1000")
	c.http.Timeout = 500 * time.Millisecond
	var slow net.Error
	if got, err := c.try(t, "door"); !errors.As(err, &slow) || !slow.Timeout() || len(got.body) != 1000 {
		t.Errorf("stalled: %d bytes, %v", len(got.body), err)
	}
}

// TestFaultsOfListeners: who connects is refused, and is not any more once the rule is gone or its time is over.
func TestFaultsOfListeners(t *testing.T) {
	c := startFaulty(t)
	data := c.endpoint("door", "LIST_FRAGMENTS")
	connect := func(url string) error {
		conn, err := net.DialTimeout("tcp", strings.TrimPrefix(url, "http://"), 5*time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	c.set(t, "kind=refuse,api=GetClip")
	if _, err := c.try(t, "door"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("data: %v", err)
	}
	if err := connect(c.server.Endpoint()); err != nil {
		t.Errorf("control: %v", err)
	}
	c.server.ClearFaults()
	if _, err := c.try(t, "door"); err != nil {
		t.Errorf("cleared: %v", err)
	}
	c.set(t, "kind=refuse,api=ListStreams,for=200ms")
	if err := connect(c.server.Endpoint()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("control: %v", err)
	}
	if err := connect(data); err != nil {
		t.Errorf("data: %v", err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for connect(c.server.Endpoint()) != nil {
		if time.Now().After(deadline) {
			t.Fatal("not opened again")
		}
		time.Sleep(10 * time.Millisecond)
	}
	forever, err := fault.Parse("kind=refuse,api=ListStreams")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.server.AddFaults(forever); !errors.Is(err, fault.ErrRule) {
		t.Errorf("for good: %v", err)
	}
}

// TestFaultsOfAnswers: refusals and bodies that are not what they should be.
func TestFaultsOfAnswers(t *testing.T) {
	c := startFaulty(t)
	whole, err := c.try(t, "door")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		rule   string
		status int
		kind   string
	}{
		{"kind=throttle", 400, "ClientLimitExceededException"},
		{"kind=expired", 403, "ExpiredTokenException"},
		{"kind=denied", 403, "AccessDeniedException"},
		{"kind=deleted", 404, "ResourceNotFoundException"},
		{"kind=aged", 404, "ResourceNotFoundException"},
		{"kind=status", 500, "InternalFailure"},
		{"kind=status,status=503", 503, "ServiceUnavailable"},
		{"kind=skew,by=10m", 400, "InvalidSignatureException"},
	} {
		c.set(t, test.rule+",api=GetClip")
		got, err := c.try(t, "door")
		if err != nil {
			t.Fatalf("%s: %v", test.rule, err)
		}
		if test.kind == "InvalidSignatureException" {
			test.status = 403
		}
		got.wantError(t, test.status, test.kind, "")
	}
	c.set(t, "kind=status,status=429,api=GetClip")
	if got, err := c.try(t, "door"); err != nil || got.status != 429 || got.header.Get("x-amzn-ErrorType") != "" {
		t.Errorf("429: %d %q, %v", got.status, got.body, err)
	}
	for rule, right := range map[string]func(response, error) bool{
		"kind=length,by=1000": func(r response, err error) bool {
			return errors.Is(err, io.ErrUnexpectedEOF) && len(r.body) == len(whole.body)
		},
		"kind=length,by=-1000": func(r response, err error) bool { return err == nil && len(r.body) == len(whole.body)-1000 },
		"kind=garbage": func(r response, err error) bool {
			return err == nil && len(r.body) == len(whole.body) && !bytes.Equal(r.body[4:8], []byte("ftyp")) && r.header.Get("Content-Type") == "video/mp4"
		},
		"kind=html": func(r response, err error) bool {
			return err == nil && r.status == 200 && strings.HasPrefix(r.header.Get("Content-Type"), "text/html") && bytes.Contains(r.body, []byte("<html>"))
		},
		"kind=truncate,at=1000": func(r response, err error) bool { return err == nil && len(r.body) == 1000 },
		"kind=differ,at=90%": func(r response, err error) bool {
			return err == nil && len(r.body) == len(whole.body) && !bytes.Equal(media(t, r.body), media(t, whole.body))
		},
		"kind=differ": func(r response, err error) bool {
			return err == nil && bytes.Equal(media(t, r.body), media(t, whole.body)) && !slices.Equal(sizes(t, r.body), sizes(t, whole.body))
		},
	} {
		c.set(t, rule+",api=GetClip")
		if got, err := c.try(t, "door"); !right(got, err) {
			t.Errorf("%s: status %d, %d bytes of %d, %v", rule, got.status, len(got.body), len(whole.body), err)
		}
	}
	for _, what := range fault.Untruths() {
		c.set(t, "kind=lie,what="+string(what))
		if got, err := c.try(t, "door"); err != nil || len(got.body) != len(whole.body) || bytes.Equal(got.body[:4000], whole.body[:4000]) {
			t.Errorf("lie about %s: %d bytes, %v", what, len(got.body), err)
		}
	}
}

// sizes gives the sizes of the frames of a payload.
func sizes(t *testing.T, payload []byte) []byte {
	t.Helper()
	for c, err := range mp4.Children(payload) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Type == mp4.TypeMoov {
			m, err := mp4.ParseMovie(c.Raw)
			if err != nil {
				t.Fatal(err)
			}
			sizes := m.Video().Sizes
			listed, _ := sizes.Words(0, sizes.Len())
			return listed
		}
	}
	t.Fatal("no moov")
	return nil
}

// TestFaultsOfListings: fragments that come twice, or not at all, and a listing without an end.
func TestFaultsOfListings(t *testing.T) {
	c := startFaulty(t)
	right, _ := c.list(t, 3)
	slices.Sort(right)
	if len(right) != 30 {
		t.Fatalf("%d fragments", len(right))
	}
	c.set(t, "kind=duplicate")
	got, ended := c.list(t, 3)
	slices.Sort(got)
	if n := len(got); n != 70 || !ended || !slices.Equal(slices.Compact(got), right) {
		t.Errorf("duplicate: %d fragments, %d different", n, len(slices.Compact(got)))
	}
	c.set(t, "kind=missing")
	if got, ended := c.list(t, 3); len(got) != 27 || !ended {
		t.Errorf("missing: %d fragments, ended %t", len(got), ended)
	}
	c.set(t, "kind=endless")
	if got, ended := c.list(t, 7); len(got) != 7*30 || ended {
		t.Errorf("endless: %d fragments, ended %t", len(got), ended)
	}
	c.set(t, "kind=truncate,api=ListFragments")
	if r := c.call(c.endpoint("door", "LIST_FRAGMENTS"), "/listFragments", object{"StreamName": "door",
		"FragmentSelector": selector("PRODUCER_TIMESTAMP", c.from, c.to)}); r.status != 200 || json.Valid(r.body) {
		t.Errorf("truncated: %d %q", r.status, r.body)
	}
	c.set(t, "kind=endless,api=ListStreams")
	var out struct{ NextToken string }
	if c.control("/listStreams", object{}).into(t, &out); out.NextToken == "" {
		t.Error("streams end")
	}
}

// TestFaultsRenewed: credentials that have expired stay so, and others are good.
func TestFaultsRenewed(t *testing.T) {
	c := startFaulty(t)
	c.set(t, "kind=expired")
	for i, test := range []struct {
		key, token string
		status     int
	}{{"AKOLD", "one", 403}, {"AKOLD", "two", 404}, {"AKNEW", "", 404}, {"AKOLD", "one", 403}} {
		c.credentials.AccessKeyID, c.credentials.SessionToken = test.key, test.token
		if r := c.control("/describeStream", object{"StreamName": "nobody"}); r.status != test.status {
			t.Errorf("call %d: status %d, want %d", i, r.status, test.status)
		}
	}
}

// TestFaultsOverHTTP: faults are set, seen and taken away while the emulator runs.
func TestFaultsOverHTTP(t *testing.T) {
	c := startFaulty(t)
	ask := func(method, path, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, c.server.Endpoint()+"/_emulator/faults"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r := c.do(req)
		return r.status, strings.TrimSpace(string(r.body))
	}
	const two = "kind=throttle,api=GetClip,count=1\n\nkind=close,api=GetClip,at=10\n"
	want := `{"faults":[{"id":1,"fault":"kind=throttle,api=GetClip,count=1","hits":0},{"id":2,"fault":"kind=close,api=GetClip,at=10","hits":0}]}`
	if status, body := ask(http.MethodPost, "", two); status != 200 || body != want {
		t.Errorf("post: %d %s", status, body)
	}
	for _, bad := range []string{"", "kind=close\nkind=nothing", "kind=close,api=Get", "kind=refuse,api=ListStreams"} {
		if status, body := ask(http.MethodPost, "", bad); status != 400 || body == "" {
			t.Errorf("post %q: %d %s", bad, status, body)
		}
	}
	if _, err := c.try(t, "door"); err != nil {
		t.Error(err)
	}
	if status, body := ask(http.MethodGet, "", ""); status != 200 || body != strings.Replace(want, `"hits":0`, `"hits":1`, 1) {
		t.Errorf("get: %d %s", status, body)
	}
	for path, want := range map[string]int{"/1": 204, "/7": 404, "/x": 404} {
		if status, _ := ask(http.MethodDelete, path, ""); status != want {
			t.Errorf("delete %s: %d, want %d", path, status, want)
		}
	}
	if status, _ := ask(http.MethodDelete, "", ""); status != 204 || len(c.server.Faults()) != 0 {
		t.Errorf("delete: %d, %v", status, c.server.Faults())
	}
	if got, err := c.try(t, "door"); err != nil || got.status != 200 {
		t.Errorf("all gone: %d, %v", got.status, err)
	}
}

// TestFaultsOfOptions: rules given at the start are in force, and a wrong one is refused.
func TestFaultsOfOptions(t *testing.T) {
	r, err := fault.Parse("kind=throttle,api=ListStreams,count=1")
	if err != nil {
		t.Fatal(err)
	}
	c := startLoopback(t, emulator.Options{Faults: []fault.Rule{r}})
	c.control("/listStreams", object{}).wantError(t, 400, "ClientLimitExceededException", "")
	if n := c.server.Calls()[0]; n.Throttled != 1 {
		t.Errorf("counted as %+v", n)
	}
	if _, err := emulator.New(emulator.Options{Faults: []fault.Rule{{Kind: fault.Close, API: "Nothing"}}}); !errors.Is(err, emulator.ErrOptions) {
		t.Errorf("wrong: %v", err)
	}
}
