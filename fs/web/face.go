package web

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"

	"clipfs/clip/archive"
	"clipfs/fs/tree"
)

// face is what is asked for: the tree, and where it stands among URLs.
type face struct {
	tree *tree.Tree
	// base comes before all paths.
	base     string
	observer Observer
	gate     *gate
	// exact has WebDAV listings wait for exact sizes.
	exact bool
	pages *pages
	// buffers are for bodies under way.
	buffers *buffers
}

// maxLinks is how many links a path may lead over.
const maxLinks = 4

// below gives the path below the root that a request is for; false where it is for something that is not served here. No path with
// names that change it on the way (".", "..", empty ones) is one.
func (f *face) below(r *http.Request) (at string, ok bool) {
	at, ok = strings.CutPrefix(r.URL.Path, f.base+"/")
	if !ok || strings.ContainsAny(at, "\x00\\") {
		return "", false
	}
	names := strings.TrimSuffix(at, "/")
	return names, names == "" || path.Clean("/"+names) == "/"+names
}

// address is the URL of a path below the root.
func (f *face) address(at string) string {
	return (&url.URL{Path: f.base + "/" + at}).EscapedPath()
}

// find finds what a path names, and where it leads if it leads over a link.
func (f *face) find(ctx context.Context, at string) (e tree.Entry, moved string, err error) {
	for range maxLinks {
		e, rest, err := f.tree.Walk(ctx, at)
		if err != nil {
			return nil, "", err
		}
		link, ok := e.(*tree.Link)
		if !ok {
			return e, moved, nil
		}
		at = path.Join(path.Dir(link.Path), link.Target, rest)
		moved = at
	}
	return nil, "", archive.ErrName
}

// redirect sends a client elsewhere, with the query that it came with.
func redirect(w http.ResponseWriter, r *http.Request, status int, to string) {
	if q := r.URL.RawQuery; q != "" && !strings.ContainsFunc(q, unicode.IsControl) {
		to += "?" + q
	}
	w.Header().Set("Location", to)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// cacheFor has clients keep an answer for as long as the tree does, but not for long where that is for good.
func cacheFor(h http.Header, validUntil time.Time) {
	if time.Until(validUntil) < time.Second {
		h.Set("Cache-Control", "private, no-cache")
		return
	}
	h.Set("Cache-Control", "private, max-age=1")
}

// Observer counts what is answered. Its methods must not block.
type Observer interface {
	// FirstByte tells how long a client waited for a file: for its opening and its first bytes, together.
	FirstByte(took time.Duration)
	// Read tells of bytes that were read to be sent.
	Read(bytes int, took time.Duration)
	// Answered tells of each request that was answered.
	Answered(method string, status int)
}

type nobody struct{}

func (nobody) FirstByte(time.Duration) {}
func (nobody) Read(int, time.Duration) {}
func (nobody) Answered(string, int)    {}
