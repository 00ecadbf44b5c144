package web_test

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"clipfs/fs/web"
)

// TestRanges: a Range is taken as RFC 9110 14 has it.
func TestRanges(t *testing.T) {
	all, again := whole(t, at+"1m.mp4")
	n := len(all.body)
	tag := all.header.Get("Etag")
	for _, row := range []struct {
		ranges string
		// from and to are the bytes of the answer; none for 416, and all of them with 200.
		status, from, to int
	}{
		{"bytes=0-0", 206, 0, 1}, {"bytes=5-9", 206, 5, 10}, {fmt.Sprintf("bytes=%d-", n-1), 206, n - 1, n}, {"bytes=-1", 206, n - 1, n},
		{fmt.Sprintf("bytes=-%d", n), 206, 0, n}, {fmt.Sprintf("bytes=-%d", n+100), 206, 0, n}, // 14.1.2: longer than the file is all of it
		{fmt.Sprintf("bytes=10-%d", n+100), 206, 10, n}, {"bytes=10-99999999999999999999999", 206, 10, n},
		{"Bytes=0-9", 206, 0, 10}, {" bytes=0-9 ", 206, 0, 10}, {"bytes= 0-9 ", 206, 0, 10}, {"bytes=,0-9,,", 206, 0, 10}, // 14.1, 5.6.1.2
		{"bytes=-0", 416, 0, 0}, {"bytes=-000", 416, 0, 0}, {fmt.Sprintf("bytes=%d-", n), 416, 0, 0}, {"bytes=99999999999999999999-", 416, 0, 0},
		{fmt.Sprintf("bytes=%d-,-0", n), 416, 0, 0}, {"bytes=-0,0-9", 206, 0, 10}, {fmt.Sprintf("bytes=0-9,%d-", n), 206, 0, 10},
		{"bytes=", 416, 0, 0}, {"bytes=-", 416, 0, 0}, {"bytes=9-5", 416, 0, 0}, {"bytes=a-b", 416, 0, 0}, {"bytes=0x1-2", 416, 0, 0}, {"bytes=1", 416, 0, 0},
		{"bytes=--1", 416, 0, 0}, {"bytes=+1-2", 416, 0, 0}, {"bytes=0 -9", 416, 0, 0}, {"bytes=0-9;10-19", 416, 0, 0}, {"bytes=0-9,x", 416, 0, 0},
		{"items=0-9", 200, 0, n}, {"none", 200, 0, n}, {"", 200, 0, n}, {"bytes", 200, 0, n}, // 14.2: a unit that is not known does not count
		{"bytes=0-,0-,0-", 200, 0, n}, {"bytes=0-9" + strings.Repeat(",0-9", 16), 200, 0, n}, // more than there is, or too many
	} {
		got := again(http.MethodGet, "Range", row.ranges)
		want := all.body[row.from:row.to]
		said := fmt.Sprintf("bytes %d-%d/%d", row.from, row.to-1, n)
		switch row.status {
		case http.StatusOK:
			said = ""
		case http.StatusRequestedRangeNotSatisfiable:
			want, said = fmt.Sprintf("416 Requested Range Not Satisfiable: the file has %d bytes, and none of those that were asked for\n", n), fmt.Sprintf("bytes */%d", n)
		}
		if got.status != row.status || got.body != want || got.header.Get("Content-Range") != said {
			t.Errorf("%q: %d with %d bytes, %q; want %d with %d, %q", row.ranges, got.status, len(got.body), got.header.Get("Content-Range"), row.status, len(want), said)
		}
		if head := again(http.MethodHead, "Range", row.ranges); head.status != http.StatusOK || head.header.Get("Content-Length") != fmt.Sprint(n) {
			t.Errorf("HEAD, %q: %d, %s bytes; want all of them: no method but GET has ranges", row.ranges, head.status, head.header.Get("Content-Length"))
		}
	}
	for _, row := range []struct {
		header, value string
		status        int
	}{
		{"If-Range", tag, 206}, {"If-Range", "W/" + tag, 200}, {"If-Range", "*", 200}, {"If-Range", strings.Trim(tag, `"`), 200}, // 13.1.5: strong, and one
		{"If-Range", tag + `, "b"`, 206}, {"If-Range", "Fri, 31 Dec 1999 20:01:00 GMT", 206}, {"If-Range", "Fri, 31 Dec 1999 20:02:00 GMT", 200}, // exactly that time
		{"If-None-Match", tag, 304}, {"If-Match", `"another"`, 412}, {"If-None-Match", `"another"`, 206},
	} {
		if got := again(http.MethodGet, "Range", "bytes=0-9", row.header, row.value); got.status != row.status {
			t.Errorf("with %s: %s: %d, want %d", row.header, row.value, got.status, row.status)
		}
		if got := again(http.MethodGet, "Range", "bytes=-0", "If-Range", `"another"`); got.status != http.StatusOK {
			t.Errorf("a range that is not there, of another version: %d, want 200", got.status)
		}
	}
}

// TestManyRanges: what is asked for in one request comes in one answer, each part with its place (RFC 9110 14.6, 15.3.7.2).
func TestManyRanges(t *testing.T) {
	all, again := whole(t, at+"1m.mp4")
	n := len(all.body)
	got := again(http.MethodGet, "Range", fmt.Sprintf("bytes=0-99, -50,%d-, 200-200,-0", n))
	kind, parameters, err := mime.ParseMediaType(got.header.Get("Content-Type"))
	if err != nil || kind != "multipart/byteranges" || got.status != http.StatusPartialContent || got.header.Get("Content-Range") != "" {
		t.Fatalf("%d, %v", got.status, got.header)
	}
	if want := fmt.Sprint(len(got.body)); got.header.Get("Content-Length") != want {
		t.Errorf("it says %s bytes, and has %s", got.header.Get("Content-Length"), want)
	}
	parts := multipart.NewReader(strings.NewReader(got.body), parameters["boundary"])
	for _, want := range [][2]int{{0, 100}, {n - 50, n}, {200, 201}} {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(part)
		if said := fmt.Sprintf("bytes %d-%d/%d", want[0], want[1]-1, n); err != nil || string(body) != all.body[want[0]:want[1]] ||
			part.Header.Get("Content-Range") != said || part.Header.Get("Content-Type") != "video/mp4" {
			t.Errorf("%d bytes, %v, %v; want %s", len(body), part.Header, err, said)
		}
	}
	if _, err := parts.NextPart(); err != io.EOF {
		t.Errorf("more parts than were asked for: %v", err)
	}
}

// TestHeadOfWhatMoves: HEAD is answered as GET is, without a body, also where a path leads elsewhere.
func TestHeadOfWhatMoves(t *testing.T) {
	s := serve(t, recorded(), web.Options{})
	for _, path := range []string{"/door/last/5m.mp4", "/door/latest/5m.mp4", "/door/latest", "/door", "/door/", "/nobody/", "/.clipfs/page/day.js", at + "1m.json"} {
		get, head := ask(t, s, http.MethodGet, path), ask(t, s, http.MethodHead, path)
		if head.status != get.status || head.body != "" || head.err != nil {
			t.Errorf("%s: HEAD gives %d with %d bytes, %v; GET gives %d", path, head.status, len(head.body), head.err, get.status)
		}
		for _, name := range []string{"Location", "Content-Type", "Content-Length", "Etag", "Cache-Control", "Accept-Ranges"} {
			if head.header.Get(name) != get.header.Get(name) {
				t.Errorf("%s: HEAD says %s %q, GET %q", path, name, head.header.Get(name), get.header.Get(name))
			}
		}
	}
}

// TestAccept: errors and listings are JSON for those who want that more than what a browser shows (RFC 9110 12.5.1).
func TestAccept(t *testing.T) {
	s := serve(t, recorded(), web.Options{})
	for accept, json := range map[string]bool{
		"": false, "*/*": false, "application/json": true, "Application/JSON": true, "application/json;q=0": false, "application/json; q=0.0, */*": false,
		"application/json, */*": true, "text/html, application/json": false, "application/json, text/html": true,
		"text/html;q=0.5, application/json;q=0.9": true, "application/json;q=0.5, text/html;q=0.9": false, "text/html;q=0, application/json": true,
		"application/json;q=2": false, "application/json;q=x": false, "application/json;version=1": true, "image/png, */*;q=0.1": false,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": false, "application/json;charset=utf-8;q=0.1, text/plain;q=0.2": false,
	} {
		want := map[bool]string{true: "application/json", false: "text/plain; charset=utf-8"}[json]
		if got := ask(t, s, http.MethodGet, "/nobody/", "Accept", accept).header.Get("Content-Type"); got != want {
			t.Errorf("%q: %s, want %s", accept, got, want)
		}
	}
}
