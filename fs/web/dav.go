package web

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/net/webdav"

	"clipfs/fs/tree"
)

// maxPropfind is how long a PROPFIND's body may be, in bytes: each property that it names is in the answer once for each entry.
const maxPropfind = 8 << 10

// propfind tells of an entry, and of what is in a directory (RFC 4918 9.1), by golang.org/x/net/webdav over the tree. It costs no
// media, but for a file that is asked for itself: programs take its length from here, so it waits for the exact one.
func (f *face) propfind(w http.ResponseWriter, r *http.Request, at string) error {
	e, _, err := f.find(r.Context(), at)
	if err != nil {
		return err
	}
	switch e := e.(type) {
	case *tree.File:
		leave, err := f.gate.enter(client(r))
		if err != nil {
			return err
		}
		err = f.tree.Measure(r.Context(), e)
		leave()
		if err != nil {
			return err
		}
	default:
		if depth := r.Header.Get("Depth"); depth != "0" && depth != "1" { // none is infinity
			w.Header().Set("Content-Type", "application/xml; charset=utf-8")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `<?xml version="1.0" encoding="utf-8"?><D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>`)
			return nil
		}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxPropfind)
	files := &davFiles{face: f, found: make(map[string]tree.Entry)}
	(&webdav.Handler{Prefix: f.base, FileSystem: files, LockSystem: webdav.NewMemLS()}).ServeHTTP(w, r)
	return nil
}

// davFiles is the tree for one request, which asks for each entry several times.
type davFiles struct {
	face  *face
	found map[string]tree.Entry
}

// entry finds the entry of a path; links are what they lead to.
func (d *davFiles) entry(ctx context.Context, name string) (tree.Entry, error) {
	at := strings.Trim(name, "/")
	if e := d.found[at]; e != nil {
		return e, nil
	}
	e, _, err := d.face.find(ctx, at)
	switch {
	case err != nil && status(err).status == http.StatusNotFound:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case err != nil:
		return nil, err
	}
	if f, ok := e.(*tree.File); ok && d.face.exact {
		if err := d.face.tree.Measure(ctx, f); err != nil {
			return nil, err
		}
	}
	d.found[at] = e
	return e, nil
}

// Stat implements webdav.FileSystem.
func (d *davFiles) Stat(ctx context.Context, name string) (os.FileInfo, error) {
	e, err := d.entry(ctx, name)
	if err != nil {
		return nil, err
	}
	return davInfo{e, path.Base("/" + strings.Trim(name, "/"))}, nil
}

// OpenFile implements webdav.FileSystem. Nothing is opened: only what a listing tells is asked of it.
func (d *davFiles) OpenFile(ctx context.Context, name string, _ int, _ os.FileMode) (webdav.File, error) {
	info, err := d.Stat(ctx, name)
	if err != nil {
		return nil, err
	}
	return &davFile{ctx, info}, nil
}

// errReadOnly is what changes get, which no request asks for.
var errReadOnly = errors.New("footage can only be read")

// Mkdir implements webdav.FileSystem.
func (d *davFiles) Mkdir(context.Context, string, os.FileMode) error { return errReadOnly }

// RemoveAll implements webdav.FileSystem.
func (d *davFiles) RemoveAll(context.Context, string) error { return errReadOnly }

// Rename implements webdav.FileSystem.
func (d *davFiles) Rename(context.Context, string, string) error { return errReadOnly }

// davInfo is an entry as os has it.
type davInfo struct {
	tree.Entry
	name string
}

// Name implements os.FileInfo.
func (i davInfo) Name() string { return i.name }

// Size implements os.FileInfo. Until it is exact it is an estimate on the high side.
func (i davInfo) Size() int64 {
	if f, ok := i.Entry.(*tree.File); ok {
		n, _ := f.Size()
		return n
	}
	return 0
}

// Mode implements os.FileInfo.
func (i davInfo) Mode() os.FileMode {
	if i.IsDir() {
		return os.ModeDir | 0o555
	}
	return 0o444
}

// ModTime implements os.FileInfo.
func (i davInfo) ModTime() time.Time { return i.About().Time }

// IsDir implements os.FileInfo.
func (i davInfo) IsDir() bool {
	_, ok := i.Entry.(*tree.File)
	return !ok
}

// Sys implements os.FileInfo.
func (i davInfo) Sys() any { return nil }

// ContentType implements webdav.ContentTyper, so that no file is opened for it.
func (i davInfo) ContentType(context.Context) (string, error) {
	if f, ok := i.Entry.(*tree.File); ok {
		return f.ContentType, nil
	}
	return "", webdav.ErrNotImplemented
}

// ETag implements webdav.ETager.
func (i davInfo) ETag(context.Context) (string, error) {
	if f, ok := i.Entry.(*tree.File); ok {
		return tag(f), nil
	}
	return "", webdav.ErrNotImplemented
}

// davFile is what a listing asks of an open file.
type davFile struct {
	ctx  context.Context //nolint:containedctx // webdav.File has no place for it, and this lives as long as its request
	info os.FileInfo
}

// Readdir implements http.File.
func (f *davFile) Readdir(int) ([]os.FileInfo, error) {
	info, _ := f.info.(davInfo)
	dir, ok := info.Entry.(*tree.Dir)
	if !ok {
		return nil, nil
	}
	items, err := dir.List(f.ctx)
	if err != nil {
		return nil, err
	}
	all := make([]os.FileInfo, len(items))
	for i, item := range items {
		all[i] = davInfo{name: item.Name} // its Stat is asked for next
	}
	return all, nil
}

// Stat implements http.File.
func (f *davFile) Stat() (os.FileInfo, error) { return f.info, nil }

// Read implements io.Reader.
func (f *davFile) Read([]byte) (int, error) { return 0, errReadOnly }

// Seek implements io.Seeker.
func (f *davFile) Seek(int64, int) (int64, error) { return 0, errReadOnly }

// Write implements io.Writer.
func (f *davFile) Write([]byte) (int, error) { return 0, errReadOnly }

// Close implements io.Closer.
func (f *davFile) Close() error { return nil }
