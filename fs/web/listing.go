package web

import (
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"clipfs/fs/tree"
)

// line is an entry of a listing.
type line struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	// Size is in bytes; an estimate on the high side unless Exact.
	Size  *int64     `json:"size,omitempty"`
	Exact bool       `json:"exact,omitempty"`
	Type  string     `json:"type,omitempty"`
	Time  *time.Time `json:"time,omitempty"`
	// URL is relative to the directory.
	URL string `json:"url"`
}

// listing answers with a directory: a page of links, or JSON with sizes. It fetches no media.
func (f *face) listing(w http.ResponseWriter, r *http.Request, d *tree.Dir) error {
	items, err := d.List(r.Context())
	if err != nil {
		return err
	}
	lines := make([]line, 0, len(items))
	for _, item := range items {
		lines = append(lines, lineOf(item))
	}
	var body []byte
	w.Header().Set("Cache-Control", "private, no-cache")
	if wantsJSON(r) {
		for i := range lines {
			if items[i].Kind == tree.IsFile {
				lines[i].fill(r, d)
			}
		}
		w.Header().Set("Content-Type", "application/json")
		if body, err = json.Marshal(struct {
			Entries []line `json:"entries"`
		}{lines}); err != nil {
			return err
		}
	} else {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if body, err = f.pages.write(d, lines, f.base, f.tree.Zone()); err != nil {
			return err
		}
	}
	send(w, r, http.StatusOK, body)
	return nil
}

// lineOf is an entry as it is listed.
func lineOf(item tree.Item) line {
	l := line{Name: item.Name, Kind: "file", URL: relative(item.Name)}
	switch item.Kind {
	case tree.IsDir:
		l.Kind, l.URL = "directory", l.URL+"/"
	case tree.IsLink:
		l.Kind, l.URL = "link", l.URL+"/"
	case tree.IsFile:
	}
	return l
}

// fill tells of a file what a look-up tells. Where that fails it is listed without.
func (l *line) fill(r *http.Request, d *tree.Dir) {
	place, err := d.Lookup(l.Name)
	if err != nil {
		return
	}
	e, err := place.Find(r.Context())
	if err != nil {
		return
	}
	if f, ok := e.(*tree.File); ok {
		size, exact := f.Size()
		at := f.Time.UTC()
		l.Size, l.Exact, l.Type, l.Time = &size, exact, f.ContentType, &at
	}
}

// relative is a URL of a name beside or below a page. A name with a colon would be read as one with a scheme.
func relative(name string) string {
	escaped := strings.ReplaceAll(path.Base("/"+name), "%", "%25")
	escaped = strings.NewReplacer("?", "%3F", "#", "%23", " ", "%20", `"`, "%22").Replace(escaped)
	return "./" + escaped
}

// attributes answers with those attributes of an entry that the query names, as JSON: last, error, missing and whatever else
// package tree has. They cost what they cost there, and never media.
func (f *face) attributes(w http.ResponseWriter, r *http.Request, e tree.Entry) error {
	all := make(map[string]string)
	wanted := strings.Split(r.URL.Query().Get(attributesQuery), ",")
	for _, a := range e.About().Attributes() {
		if !slices.Contains(wanted, a.Name) {
			continue
		}
		value, err := a.Value(r.Context())
		if err != nil {
			return err
		}
		if value != "" {
			all[a.Name] = value
		}
	}
	body, err := json.Marshal(struct {
		Attributes map[string]string `json:"attributes"`
	}{all})
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "private, no-cache")
	w.Header().Set("Content-Type", "application/json")
	send(w, r, http.StatusOK, body)
	return nil
}

// attributesQuery is the parameter of a URL that asks for attributes of an entry instead of the entry: ?attributes=last,error.
const attributesQuery = "attributes"
