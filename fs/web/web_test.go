package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/fs/web"
)

// whole is the clip of a minute, as it is served without a range.
func whole(t *testing.T, path string) (response, func(method string, headers ...string) response) {
	t.Helper()
	s := serve(t, recorded(), web.Options{})
	all := ask(t, s, http.MethodGet, path)
	if all.status != http.StatusOK || all.err != nil {
		t.Fatalf("%s: %d, %v: %s", path, all.status, all.err, all.body)
	}
	return all, func(method string, headers ...string) response { return ask(t, s, method, path, headers...) }
}

// TestFile: a clip is served with its type, version and time, whole, in ranges, and on conditions.
func TestFile(t *testing.T) {
	all, again := whole(t, at+"1m.mp4")
	size := strconv.Itoa(len(all.body))
	tag := all.header.Get("Etag")
	for name, want := range map[string]string{
		"Content-Type": "video/mp4", "Content-Length": size, "Accept-Ranges": "bytes", "Last-Modified": "Fri, 31 Dec 1999 20:01:00 GMT",
		"X-Content-Type-Options": "nosniff",
	} {
		if got := all.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if all.body[4:8] != "ftyp" || tag == "" {
		t.Errorf("ETag %q, begins %q", tag, all.body[:8])
	}
	for _, row := range []struct {
		method  string
		headers []string
		status  int
		body    string
	}{
		{http.MethodHead, nil, 200, ""},
		{http.MethodGet, []string{"Range", "bytes=0-7"}, 206, all.body[:8]},
		{http.MethodGet, []string{"Range", "bytes=-10"}, 206, all.body[len(all.body)-10:]},
		{http.MethodGet, []string{"Range", "bytes=100-"}, 206, all.body[100:]},
		{http.MethodGet, []string{"Range", "bytes=0-0" + strings.Repeat(",0-0", 100)}, 200, all.body},
		{http.MethodGet, []string{"Range", "bytes=0-7", "If-Range", tag}, 206, all.body[:8]},
		{http.MethodGet, []string{"Range", "bytes=0-7", "If-Range", `"another"`}, 200, all.body},
		{http.MethodGet, []string{"If-None-Match", tag}, 304, ""},
		{http.MethodGet, []string{"If-None-Match", `"a", W/` + tag}, 304, ""},
		{http.MethodGet, []string{"If-None-Match", `"another"`}, 200, all.body},
		{http.MethodGet, []string{"If-Match", `"another"`}, 412, "412 Precondition Failed: the file is not, or no longer, the one that was asked for\n"},
		{http.MethodGet, []string{"If-Match", `"another"`, "If-None-Match", tag}, 412, "412 Precondition Failed: the file is not, or no longer, the one that was asked for\n"},
		{http.MethodGet, []string{"If-Match", tag, "If-None-Match", `"another"`}, 200, all.body},
		{http.MethodGet, []string{"If-Unmodified-Since", "Fri, 31 Dec 1999 20:00:59 GMT"}, 412, "412 Precondition Failed: the file is not, or no longer, the one that was asked for\n"},
		{http.MethodGet, []string{"If-Modified-Since", "Fri, 31 Dec 1999 20:00:59 GMT"}, 200, all.body},
		{http.MethodGet, []string{"If-Modified-Since", "yesterday"}, 200, all.body},
		{http.MethodGet, []string{"If-Modified-Since", "Fri, 31 Dec 1999 20:01:00 GMT"}, 304, ""},
	} {
		got := again(row.method, row.headers...)
		if got.status != row.status || got.body != row.body || got.err != nil {
			t.Errorf("%s %v: %d with %d bytes, %v; want %d with %d", row.method, row.headers, got.status, len(got.body), got.err, row.status, len(row.body))
		}
	}
	if got := again(http.MethodHead); got.header.Get("Content-Length") != size {
		t.Errorf("HEAD says %s bytes, want %s", got.header.Get("Content-Length"), size)
	}
}

// TestKnownVersionCostsNothing: a client that has the version already is told so without opening it.
func TestKnownVersionCostsNothing(t *testing.T) {
	service := recorded()
	s := serve(t, service, web.Options{})
	tag := ask(t, s, http.MethodGet, at+"1m.json").header.Get("Etag")
	if got := ask(t, s, http.MethodGet, at+"1m.json", "If-None-Match", tag); got.status != http.StatusNotModified {
		t.Errorf("%d, want 304", got.status)
	}
	if got := ask(t, s, http.MethodGet, at+"1m.mp4", "If-None-Match", "*"); got.status != http.StatusNotModified {
		t.Errorf("any version: %d, want 304", got.status)
	}
	if payloads, _, _ := service.Calls(); payloads != 0 {
		t.Errorf("%d GetClip calls, want none", payloads)
	}
}

// TestRoute: which status and which place each path leads to.
func TestRoute(t *testing.T) {
	s := serve(t, recorded(), web.Options{BasePath: "/cameras"})
	for _, row := range []struct {
		path     string
		status   int
		location string
	}{
		{"/cameras", 301, "/cameras/"},
		{"/cameras/", 200, ""},
		{"/cameras/door", 301, "/cameras/door/"},
		{"/cameras/door/?zoom=1", 200, ""},
		{"/cameras/door?a=b", 301, "/cameras/door/?a=b"},
		{"/cameras/door/1999-12-31", 301, "/cameras/door/1999-12-31/"},
		{"/cameras/door/1999-12-31/", 200, ""},
		{"/cameras" + at + "1m.mp4", 200, ""},
		{"/cameras" + at + "1m.mp4/", 404, ""},
		{"/cameras/door/latest", 307, "/cameras/door/1999-12-31T21:59/"},
		{"/cameras/door/latest/5m.mp4?x=1", 307, "/cameras/door/1999-12-31T21:59/5m.mp4?x=1"},
		{"/cameras/door/last/5m.mp4", 307, "/cameras/door/1999-12-31T21:55/5m.mp4"},
		{"/cameras/door/last/5m.json", 307, "/cameras/door/1999-12-31T21:55/5m.json"},
		{"/cameras/door/last/90s.cover.mp4", 307, "/cameras/door/1999-12-31T21:58:30/1m30s.cover.mp4"},
		{"/", 404, ""}, {"/camerasdoor/", 404, ""}, {"/door/", 404, ""},
		{"/cameras//door/", 404, ""}, {"/cameras/door/../door/", 404, ""}, {"/cameras/./door/", 404, ""}, {"/cameras/%2e%2e/door/", 404, ""},
		{"/cameras/door%2f1999-12-31/", 200, ""}, // a slash is a slash
		{"/cameras/door%00/", 404, ""}, {`/cameras/door%5c..%5c/`, 404, ""}, {"/cameras/%3cscript%3e", 404, ""},
		{"/cameras/dark/1999-12-31T20:00/1m.mp4", 404, ""}, {"/cameras/nobody/", 404, ""}, {"/cameras/dark/latest", 404, ""},
		{"/cameras/.clipfs/status.json", 404, ""},
	} {
		got := ask(t, s, http.MethodGet, row.path)
		if got.status != row.status || got.header.Get("Location") != row.location {
			t.Errorf("%s: %d to %q, want %d to %q", row.path, got.status, got.header.Get("Location"), row.status, row.location)
		}
		if strings.Contains(got.body, "<script>") {
			t.Errorf("%s: the path stands in the answer: %s", row.path, got.body)
		}
	}
}

// TestListing: directories are pages of links, and JSON for those who want it. Neither fetches media.
func TestListing(t *testing.T) {
	service := recorded()
	s := serve(t, service, web.Options{})
	html := ask(t, s, http.MethodGet, "/door/")
	for _, link := range []string{`href="./1999-12-31/"`, `href="./last/"`, `href="./latest/"`, `href="/"`} {
		if !strings.Contains(html.body, link) {
			t.Errorf("no %s in %s", link, html.body)
		}
	}
	if root := ask(t, s, http.MethodGet, "/").body; strings.Contains(root, `"../"`) || !strings.Contains(root, `href="./dark/"`) {
		t.Errorf("the root is %s", root)
	}
	if got := ask(t, s, http.MethodHead, "/door/"); got.body != "" || got.header.Get("Content-Length") != strconv.Itoa(len(html.body)) {
		t.Errorf("HEAD says %q, want %d", got.header.Get("Content-Length"), len(html.body))
	}
	type entry struct {
		Name, Kind, Type, URL string
		Size                  int64
		Exact                 bool
		Time                  time.Time
	}
	list := func() map[string]entry {
		all := make(map[string]entry)
		for _, e := range parsed[struct{ Entries []entry }](t, ask(t, s, http.MethodGet, at, "Accept", "application/json").body).Entries {
			all[e.Name] = e
		}
		return all
	}
	if got := list()["1m.mp4"]; got.Kind != "file" || got.Type != "video/mp4" || got.Exact || got.Size <= 0 || got.Time.IsZero() || got.URL != "./1m.mp4" {
		t.Errorf("1m.mp4 is %+v", got)
	}
	if payloads, _, _ := service.Calls(); payloads != 0 {
		t.Errorf("%d GetClip calls, want none", payloads)
	}
	all := ask(t, s, http.MethodGet, at+"1m.mp4")
	if got := list()["1m.mp4"]; !got.Exact || got.Size != int64(len(all.body)) {
		t.Errorf("once it was read 1m.mp4 is %+v, want %d bytes", got, len(all.body))
	}
}

// TestWithoutScript: whoever follows the links of pages alone comes from the cameras to a clip, and each page says what to do there.
func TestWithoutScript(t *testing.T) {
	s := serve(t, recorded(), web.Options{BasePath: "/cameras"})
	path := "/cameras/"
	for _, step := range []struct{ link, says string }{
		{"./door/", "Choose a camera"}, {"./1999-12-31/", "choose one to look at it"}, {"./1999-12-31T20/", "The player needs JavaScript"},
		{"./1999-12-31T20:00/", "Any length can be had"}, {"./1m.mp4", "Any length can be had"},
	} {
		page := ask(t, s, http.MethodGet, path)
		if !strings.Contains(page.body, `<a href="`+step.link+`"`) || !strings.Contains(page.body, step.says) {
			t.Fatalf("%s has no link to %s, or does not say %q: %s", path, step.link, step.says, page.body)
		}
		path += strings.TrimPrefix(step.link, "./")
	}
	if got := ask(t, s, http.MethodGet, path); got.status != http.StatusOK || got.header.Get("Content-Type") != "video/mp4" {
		t.Errorf("%s: %d %s", path, got.status, got.header.Get("Content-Type"))
	}
	if none := ask(t, serve(t, memory.New(), web.Options{}), http.MethodGet, "/"); !strings.Contains(none.body, "clipfs doctor") {
		t.Errorf("a page without cameras does not say what to do: %s", none.body)
	}
}

// TestErrors: each error of the archive has its status and its reason, as text or as JSON.
func TestErrors(t *testing.T) {
	for _, row := range []struct {
		err    error
		status int
		after  bool
	}{
		{archive.ErrDenied, 403, false},
		{archive.ErrRefused, 502, false},
		{archive.ErrInvalid, 400, false},
		{archive.ErrMedia, 422, false},
		{archive.ErrNoRetention, 404, false},
		{errors.New("what nobody thought of"), 500, false},
	} {
		service := recorded()
		service.RefusePayload = func(int) error { return fmt.Errorf("GetClip says <b>no</b>: %w", row.err) }
		s := serve(t, service, web.Options{})
		text := ask(t, s, http.MethodGet, at+"1m.mp4")
		if text.status != row.status || !strings.Contains(text.body, "GetClip says <b>no</b>") || text.header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%v: %d, %s", row.err, text.status, text.body)
		}
		if text.header.Get("Etag") != "" || text.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v: the error is kept like the file: %v", row.err, text.header)
		}
		got := parsed[struct {
			Status int
			Error  string
		}](t, ask(t, s, http.MethodGet, at+"1m.mp4", "Accept", "application/json, */*").body)
		if got.Status != row.status || !strings.Contains(got.Error, "GetClip says") {
			t.Errorf("%v as JSON: %+v", row.err, got)
		}
	}
}

// TestCutOff: what fails after bytes were sent ends the connection, so that nobody takes the part for the whole.
func TestCutOff(t *testing.T) {
	service := recorded()
	all, _ := whole(t, at+"1m.mp4")
	service.Body = func(_ int, payload []byte) io.Reader { return bytes.NewReader(payload[:len(payload)-100]) }
	service.RefusePayload = func(n int) error {
		if n > 1 {
			return archive.ErrDenied
		}
		return nil
	}
	s := serve(t, service, web.Options{})
	got := ask(t, s, http.MethodGet, at+"1m.mp4")
	if got.err == nil && got.status == http.StatusOK {
		t.Errorf("%d of %d bytes and no error", len(got.body), len(all.body))
	}
}

// TestManyClientsOneCall: clients of one cold clip share one download, and each gets all of it.
func TestManyClientsOneCall(t *testing.T) {
	service := recorded()
	service.Slow = time.Millisecond
	seen := &counted{}
	s := serve(t, service, web.Options{Opens: 64, Observer: seen})
	want, _ := whole(t, at+"1m.mp4")
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if got := ask(t, s, http.MethodGet, at+"1m.mp4"); got.body != want.body || got.err != nil {
				t.Errorf("%d: %d bytes, %v, want %d", got.status, len(got.body), got.err, len(want.body))
			}
		})
	}
	all.Wait()
	if payloads, _, _ := service.Calls(); payloads != 1 {
		t.Errorf("%d GetClip calls, want 1", payloads)
	}
	seen.await(t, 64)
	if seen.first != 64 || seen.bytes != 64*len(want.body) || len(seen.statuses) != 64 {
		t.Errorf("counted %d first bytes, %d bytes, %d answers", seen.first, seen.bytes, len(seen.statuses))
	}
}

// blocked is an archive whose GetClip calls wait until release is called.
func blocked() (service *memory.Archive, asked chan struct{}, release func()) {
	service = recorded()
	asked, hold := make(chan struct{}, 1000), make(chan struct{})
	service.RefusePayload = func(int) error {
		asked <- struct{}{}
		<-hold
		return nil
	}
	return service, asked, sync.OnceFunc(func() { close(hold) })
}

// TestOpens: an address cannot have more than so many files opened at once, and others are served all the while.
func TestOpens(t *testing.T) {
	service, asked, release := blocked()
	defer release()
	s := serve(t, service, web.Options{Opens: 2})
	var all sync.WaitGroup
	for _, name := range []string{"1m.mp4", "5m.mp4"} {
		all.Go(func() {
			if got := ask(t, s, http.MethodGet, at+name); got.status != http.StatusOK {
				t.Errorf("%s: %d", name, got.status)
			}
		})
		<-asked
	}
	got := ask(t, s, http.MethodGet, at+"10m.mp4")
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("the third: %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
	}
	if got := ask(t, s, http.MethodGet, at+"1m.json"); got.status != http.StatusOK {
		t.Errorf("what is known: %d", got.status)
	}
	release()
	all.Wait()
	if got := ask(t, s, http.MethodGet, at+"10m.mp4"); got.status != http.StatusOK {
		t.Errorf("after the others: %d", got.status)
	}
}

// TestClientGoes: a client that goes away while it waits gives its place back.
func TestClientGoes(t *testing.T) {
	service, asked, release := blocked()
	defer release()
	seen := &counted{}
	s := serve(t, service, web.Options{Opens: 1, Observer: seen})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+at+"1m.mp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		answer, err := s.Client().Do(r)
		if err == nil {
			_ = answer.Body.Close()
		}
		gone <- err
	}()
	<-asked
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	seen.await(t, 1)
	release()
	if got := ask(t, s, http.MethodGet, at+"5m.mp4"); got.status != http.StatusOK {
		t.Errorf("the next: %d", got.status)
	}
}
