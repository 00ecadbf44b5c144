package web

import (
	"net/http"
	"strings"

	"clipfs/clip/archive"
	"clipfs/fs/tree"
)

// route answers a request that was let through.
func (f *face) route(w http.ResponseWriter, r *http.Request) error {
	at, ok := f.below(r)
	if !ok {
		if r.URL.Path == f.base && f.base != "" {
			redirect(w, r, http.StatusMovedPermanently, f.address(""))
			return nil
		}
		return archive.ErrName
	}
	if f.pages.asset(w, r, at) {
		return nil
	}
	if r.Method == methodPropfind {
		return f.propfind(w, r, at)
	}
	e, moved, err := f.find(r.Context(), at)
	if err != nil {
		return err
	}
	slash := strings.HasSuffix(r.URL.Path, "/")
	if moved == "" && r.URL.Query().Has(attributesQuery) {
		return f.attributes(w, r, e)
	}
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
			redirect(w, r, http.StatusTemporaryRedirect, f.address(moved))
			return nil
		case e.Private:
			return archive.ErrName
		}
		return f.file(w, r, at, e)
	case *tree.Dir:
		switch {
		case moved != "":
			w.Header().Set("Cache-Control", "no-store")
			redirect(w, r, http.StatusTemporaryRedirect, f.address(moved+"/"))
			return nil
		case !slash:
			redirect(w, r, http.StatusMovedPermanently, f.address(at+"/"))
			return nil
		}
		return f.listing(w, r, e)
	}
	return archive.ErrName
}
