package web

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"clipfs/clip/archive"
	"clipfs/fs/tree"
)

// assetsDir is where the scripts and styles of pages are, below the root. The tree has nothing of ours there that is shown.
const assetsDir = ".clipfs/page"

// assets are the files of pages: templates, and what they load.
//
//go:embed page
var assets embed.FS

// pages are the views of directories: of the root, a stream, a day, and any other.
type pages struct {
	templates *template.Template
	// warn is from how many bytes on a page says what saving fetches, stills whether it shows any.
	warn   int64
	stills bool
}

// readPages makes the pages.
func readPages(o Options) (*pages, error) {
	dir, err := fs.Sub(assets, "page")
	if err != nil {
		return nil, err
	}
	templates, err := template.ParseFS(dir, "*.html")
	if err != nil {
		return nil, err
	}
	return &pages{templates: templates, warn: o.WarnBytes, stills: !o.NoStills}, nil
}

// asset answers with a file that pages load; false where there is none of that name.
func (p *pages) asset(w http.ResponseWriter, r *http.Request, at string) bool {
	name, ok := strings.CutPrefix(at, assetsDir+"/")
	if !ok || !strings.HasSuffix(name, ".js") && !strings.HasSuffix(name, ".css") && !strings.HasSuffix(name, ".svg") {
		return false
	}
	text, err := assets.ReadFile("page/" + name)
	if err != nil {
		return false
	}
	w.Header().Set("Cache-Control", "private, no-cache")
	w.Header().Set("Content-Type", map[string]string{
		".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
	}[path.Ext(name)])
	send(w, r, http.StatusOK, text)
	return true
}

// view is what the template of a page is made with.
type view struct {
	Title string
	// Assets is the URL of what the page loads, Root that of the root; both end with a slash.
	Assets, Root string
	// Stream and Day are those that the page is of; empty for none.
	Stream, Day string
	// Trail leads from the root to here.
	Trail []crumb
	Lines []line
	// Months are the days of a camera, Newest the URL of the last one; empty for none.
	Months []month
	Newest string
	// Zone is the name of the time zone of days, Start and End the day in milliseconds since 1970.
	Zone       string
	Start, End int64
	// Rest is the URL of what the day has beyond its first 24 hours, which are all that the page shows; empty for nothing.
	Rest   string
	Warn   int64
	Stills bool
	// Clips says that clips of any length are here, and Player is the URL of a day's page at their time; empty for none.
	Clips  bool
	Player string
}

// crumb is a directory on the way to a page, or the page itself.
type crumb struct {
	Name, URL string
	Here      bool
}

// name is the template of a directory's page.
func (p *pages) name(d *tree.Dir) string {
	switch depth := strings.Count(d.Path, "/"); {
	case d.Path == "":
		return "cameras.html"
	case depth == 0 && !strings.HasPrefix(d.Path, "."):
		return "camera.html"
	case depth == 1 && d.Period.Length() > 22*time.Hour && d.Period.Length() < 26*time.Hour:
		return "day.html"
	}
	return "listing.html"
}

// write makes the page of a directory.
func (p *pages) write(d *tree.Dir, lines []line, base string, zone *time.Location) ([]byte, error) {
	v := view{
		Title: "Cameras", Assets: base + "/" + assetsDir + "/", Root: base + "/", Lines: lines, Zone: zoneName(zone), Warn: p.warn, Stills: p.stills,
	}
	v.Clips = d.Period.Length() > 0
	if d.Path != "" {
		names := strings.Split(d.Path, "/")
		v.Stream, v.Title = names[0], names[0]
		if len(names) > 1 {
			v.Title += " " + names[len(names)-1]
		}
		for i, name := range names {
			v.Trail = append(v.Trail, crumb{name, strings.Repeat("../", len(names)-1-i) + "./", i == len(names)-1})
		}
	}
	name := p.name(d)
	switch name {
	case "camera.html":
		v.Months, v.Newest = calendar(lines)
	case "day.html":
		end := d.Period.Start.Add(archive.MaxSpan)
		if end.Before(d.Period.End) {
			v.Rest = "../" + end.UTC().Format("20060102T150405Z") + "/"
		} else {
			end = d.Period.End
		}
		v.Day, v.Start, v.End = path.Base(d.Path), d.Period.Start.UnixMilli(), end.UnixMilli()
	case "listing.html":
		v.Player = player(v, d.Period, zone)
	}
	var text bytes.Buffer
	if err := p.templates.ExecuteTemplate(&text, name, v); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// player is the URL of a day's page at the time of a directory; empty where it does not show that.
func player(v view, of archive.Span, zone *time.Location) string {
	local := of.Start.In(zone)
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone)
	if of.Length() <= 0 || strings.HasPrefix(v.Stream, "@") || of.Start.Sub(day) >= archive.MaxSpan {
		return ""
	}
	at := url.Values{"t": {of.Start.UTC().Format(time.RFC3339)}, "zoom": {strconv.Itoa(int(of.Length().Seconds()))}}
	return v.Root + url.PathEscape(v.Stream) + "/" + day.Format(time.DateOnly) + "/#" + at.Encode()
}

// zoneName is a zone as browsers know it.
func zoneName(zone *time.Location) string {
	if name := zone.String(); name != "Local" {
		return name
	}
	return "UTC"
}
