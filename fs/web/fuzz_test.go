package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/fs/tree"
	"clipfs/fs/web"
)

// FuzzRequest: whatever is asked is answered, never with an error of ours, never with what was asked as HTML, and where it leads
// elsewhere that is below the base path of this server.
func FuzzRequest(f *testing.F) {
	for _, path := range []string{
		"/b/", "/b/door/1999-12-31T20:00/1m.mp4", "/b/door/latest/1m.mp4", "/b/door/last/5m.mp4", "/b/../b/", "/b/%2e%2e/", "/b//evil.example/", "/b/door/<script>",
		"/b/door/1999-12-31T20:00/1m.mp4?\r\nX: y", "/b/door\r\n/", "/b/\\\\evil", "*", "", "/b/door/@/x", "//evil.example/%2f..", "/b/dark/1999-12-31T20:00/1m.json",
	} {
		f.Add("GET", path, "application/json", "bytes=0-1")
	}
	f.Add("PROPFIND", "/b/door/", "1", "")
	f.Add("OPTIONS", "/b/", "", "")
	c, err := cache.Open(f.TempDir(), cache.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = c.Close() })
	h, err := web.New(tree.New(clip.NewLibrary(recorded(), c, clip.Options{}), tree.Options{}), web.Options{BasePath: "/b"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, path, accept, ranges string) {
		at, query, _ := strings.Cut(path, "?")
		r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(t.Context())
		r.Host, r.Method, r.URL = "localhost", method, &url.URL{Path: at, RawQuery: query}
		r.Header.Set("Accept", accept)
		r.Header.Set("Depth", accept)
		r.Header.Set("Range", ranges)
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		if answer.Code < 200 || answer.Code >= 500 {
			t.Errorf("%s %q: %d %s", method, path, answer.Code, answer.Body)
		}
		if to := answer.Header().Get("Location"); to != "" && (!strings.HasPrefix(to, "/b/") || strings.ContainsAny(to, "\r\n")) {
			t.Errorf("%s %q leads to %q", method, path, to)
		}
		if kind := answer.Header().Get("Content-Type"); strings.Contains(kind, "html") && strings.Contains(answer.Body.String(), "<script>") {
			t.Errorf("%s %q: %s", method, path, answer.Body)
		}
	})
}
