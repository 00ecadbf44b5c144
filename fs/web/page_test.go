package web_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/fs/web"
)

// TestPageFiles: the pages are small, and need nothing of others: there are less than 1,500 lines of script, none of it stands in a page, and no
// file names another host.
func TestPageFiles(t *testing.T) {
	files, err := filepath.Glob("page/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	inline := regexp.MustCompile(`<script(?:[^>]*)></script>|<style|<script| style=| on[a-z]+=`)
	elsewhere := regexp.MustCompile(`(?:https?:)?//[a-z0-9-]+\.[a-z]`)
	lines := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".js") {
			lines += bytes.Count(text, []byte("\n"))
		}
		for _, found := range inline.FindAllString(string(text), -1) {
			if strings.HasSuffix(file, ".html") && !strings.Contains(found, " src=") {
				t.Errorf("%s has %s", file, found)
			}
		}
		if found := elsewhere.Find(bytes.ReplaceAll(text, []byte("http://www.w3.org/2000/svg"), nil)); found != nil {
			t.Errorf("%s names another host: %s", file, found)
		}
	}
	if lines >= 1500 {
		t.Errorf("%d lines of script, want less than 1,500", lines)
	}
}

// TestPlayerLinks: the page of an hour and of a minute leads to its time in the player.
func TestPlayerLinks(t *testing.T) {
	s := serve(t, recorded(), web.Options{BasePath: "/cameras"})
	for path, want := range map[string]string{
		"/cameras/door/1999-12-31T20/":       "/cameras/door/1999-12-31/#t=1999-12-31T20%3A00%3A00Z&amp;zoom=3600",
		"/cameras/door/1999-12-31T20:07/":    "/cameras/door/1999-12-31/#t=1999-12-31T20%3A07%3A00Z&amp;zoom=60",
		"/cameras/door/last/":                "",
		"/cameras/@/1999-12-31T20:00/10m/":   "",
		"/cameras/door/1999-12-31T20:07:30/": "/cameras/door/1999-12-31/#t=1999-12-31T20%3A07%3A30Z&amp;zoom=1",
	} {
		page := ask(t, s, "GET", path)
		if got := strings.Contains(page.body, "Show in the player"); page.status != 200 || got != (want != "") || !strings.Contains(page.body, `href="`+want) {
			t.Errorf("%s: %d, leads to the player: %v, want %q: %s", path, page.status, got, want, page.body)
		}
	}
}

// TestLongDay: the page of a day that has 25 hours says where the last one is.
func TestLongDay(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	s := serveIn(t, berlin, recorded(), web.Options{})
	for day, want := range map[string]string{"1999-10-31": `href="../19991031T220000Z/"`, "1999-11-01": ""} {
		page := ask(t, s, "GET", "/door/"+day+"/")
		if got := strings.Contains(page.body, "more than 24 hours"); page.status != 200 || got != (want != "") || !strings.Contains(page.body, want) {
			t.Errorf("%s: %d, says that it is long: %v, want %q: %s", day, page.status, got, want, page.body)
		}
	}
}

// TestCalendarLabels: how a screen reader calls a day of the calendar begins with the number that is seen, on days of one digit too.
func TestCalendarLabels(t *testing.T) {
	a := recorded()
	for day, label := range map[string]string{"1999-12-31": "31 December 1999", "2000-01-01": "1 January 2000", "2000-01-09": "9 January 2000"} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		stream := archive.StreamName("until-" + day) // of footage so old the newest day alone is shown
		a.Record(stream, at.Add(12*time.Hour), 6, 10*time.Second)
		number, _, _ := strings.Cut(label, " ")
		want := `aria-label="` + label + `"><time datetime="` + day + `">` + number + `</time></a>`
		if page := ask(t, serve(t, a, web.Options{}), "GET", "/"+string(stream)+"/"); !strings.Contains(page.body, want) {
			t.Errorf("no %s in %s", want, page.body)
		}
	}
}
