package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path"
	"strconv"
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

// pageText is a directory as a page of links.
const pageText = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Title}}</title></head>
<body><h1>{{.Title}}</h1><ul>{{if .Up}}
<li><a href="../">..</a>{{end}}{{range .Lines}}
<li><a href="{{.URL}}">{{.Name}}</a>{{end}}
</ul></body></html>
`

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
		var text bytes.Buffer
		err := f.page.Execute(&text, struct {
			Title string
			Up    bool
			Lines []line
		}{"/" + d.Path, d.Path != "", lines})
		if err != nil {
			return err
		}
		body = text.Bytes()
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that is gone needs no answer
	}
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
