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

// maxLinks is how many links a path may lead over.
const maxLinks = 4

// below gives the path below the root that a request is for; false where it is for something that is not served here. No path with
// names that change it on the way (".", "..", empty ones) is one.
func (h *Handler) below(r *http.Request) (at string, ok bool) {
	at, ok = strings.CutPrefix(r.URL.Path, h.options.BasePath+"/")
	if !ok || strings.ContainsAny(at, "\x00\\") {
		return "", false
	}
	names := strings.TrimSuffix(at, "/")
	return names, names == "" || path.Clean("/"+names) == "/"+names
}

// address is the URL of a path below the root.
func (h *Handler) address(at string) string {
	return (&url.URL{Path: h.options.BasePath + "/" + at}).EscapedPath()
}

// find finds what a path names, and where it leads if it leads over a link.
func (h *Handler) find(ctx context.Context, at string) (e tree.Entry, moved string, err error) {
	for range maxLinks {
		e, rest, err := h.tree.Walk(ctx, at)
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

// route answers a request that was let through.
func (h *Handler) route(w http.ResponseWriter, r *http.Request) error {
	at, ok := h.below(r)
	if !ok {
		if r.URL.Path == h.options.BasePath && h.options.BasePath != "" {
			redirect(w, r, http.StatusMovedPermanently, h.address(""))
			return nil
		}
		return archive.ErrName
	}
	if r.Method == methodPropfind {
		return h.propfind(w, r, at)
	}
	e, moved, err := h.find(r.Context(), at)
	if err != nil {
		return err
	}
	slash := strings.HasSuffix(r.URL.Path, "/")
	switch e := e.(type) {
	case *tree.File:
		if fixed := e.Fixed; fixed != "" {
			moved = fixed
		}
		switch {
		case slash && at != "":
			return archive.ErrName
		case moved != "":
			w.Header().Set("Cache-Control", "no-store")
			redirect(w, r, http.StatusTemporaryRedirect, h.address(moved))
			return nil
		case e.Private:
			return archive.ErrName
		}
		return h.file(w, r, at, e)
	case *tree.Dir:
		switch {
		case moved != "":
			w.Header().Set("Cache-Control", "no-store")
			redirect(w, r, http.StatusTemporaryRedirect, h.address(moved+"/"))
			return nil
		case !slash:
			redirect(w, r, http.StatusMovedPermanently, h.address(at+"/"))
			return nil
		}
		return h.listing(w, r, e)
	}
	return archive.ErrName
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
