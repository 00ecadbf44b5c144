package web_test

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"clipfs/fs/web"
)

// multistatus is an answer to PROPFIND.
type multistatus struct {
	Responses []struct {
		Href  string `xml:"href"`
		Props []struct {
			Status string `xml:"status"`
			Prop   struct {
				Length     string    `xml:"getcontentlength"`
				Type       string    `xml:"getcontenttype"`
				ETag       string    `xml:"getetag"`
				Modified   string    `xml:"getlastmodified"`
				Collection *struct{} `xml:"resourcetype>collection"`
			} `xml:"prop"`
		} `xml:"propstat"`
	} `xml:"response"`
}

// TestPropfind: a directory is told with sizes and types and costs no media; a file that is asked for has its exact length.
func TestPropfind(t *testing.T) {
	service := recorded()
	s := serve(t, service, web.Options{BasePath: "/cameras"})
	find := func(path, depth string) (response, multistatus) {
		t.Helper()
		got := ask(t, s, "PROPFIND", "/cameras"+path, "Depth", depth)
		var all multistatus
		if got.status == http.StatusMultiStatus {
			if err := xml.Unmarshal([]byte(got.body), &all); err != nil {
				t.Fatal(err)
			}
		}
		return got, all
	}
	_, root := find("/", "1")
	var names []string
	for _, r := range root.Responses {
		names = append(names, r.Href)
		if r.Props[0].Prop.Collection == nil {
			t.Errorf("%s is no collection", r.Href)
		}
	}
	if got := strings.Join(names, " "); got != "/cameras/ /cameras/dark/ /cameras/door/" {
		t.Errorf("the root has %s", got)
	}
	_, door := find("/door/", "1")
	if len(door.Responses) != 4 { // itself, a day, last, and latest, which is what it leads to
		t.Errorf("%d entries of the stream: %+v", len(door.Responses), door)
	}
	_, minute := find(at, "1")
	if len(minute.Responses) < 5 {
		t.Fatalf("%d entries of the minute", len(minute.Responses))
	}
	estimated := minute.Responses[1].Props[0].Prop
	if !strings.HasPrefix(estimated.Type, "video/mp4") || estimated.ETag == "" || estimated.Modified == "" {
		t.Errorf("%s is %+v", minute.Responses[1].Href, estimated)
	}
	if payloads, _, _ := service.Calls(); payloads != 0 {
		t.Errorf("listings cost %d GetClip calls", payloads)
	}
	got, one := find(at+"1m.mp4", "0")
	if got.status != http.StatusMultiStatus || len(one.Responses) != 1 {
		t.Fatalf("a file: %d with %d entries", got.status, len(one.Responses))
	}
	all := ask(t, s, http.MethodGet, "/cameras"+at+"1m.mp4")
	if length := one.Responses[0].Props[0].Prop.Length; length != strconv.Itoa(len(all.body)) || one.Responses[0].Props[0].Prop.ETag != all.header.Get("Etag") {
		t.Errorf("%+v, the file has %d bytes", one.Responses[0].Props[0].Prop, len(all.body))
	}
	for _, row := range []struct {
		path, depth string
		status      int
	}{
		{"/", "infinity", 403}, {"/", "", 403}, {"/door/", "infinity", 403}, {at + "1m.mp4", "1", 207}, {at + "1m.mp4", "infinity", 207},
		{"/nobody/", "1", 404}, {at + "25h.mp4", "0", 404}, {"/dark/1999-12-31T20:00/1m.mp4", "0", 404},
	} {
		if got, _ := find(row.path, row.depth); got.status != row.status {
			t.Errorf("%s, depth %q: %d, want %d", row.path, row.depth, got.status, row.status)
		}
	}
}

// TestHostilePropfind: what a request says of entities is not looked up, and one that is too long is not answered.
func TestHostilePropfind(t *testing.T) {
	s := serve(t, recorded(), web.Options{})
	for name, body := range map[string]string{
		"entities of entities": `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><propfind xmlns="DAV:"><prop>&b;</prop></propfind>`,
		"a file":               `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><propfind xmlns="DAV:"><prop><a>&x;</a></prop></propfind>`,
		"too long":             `<propfind xmlns="DAV:"><prop>` + strings.Repeat("<x/>", 4<<10) + `</prop></propfind>`,
		"no XML":               "hello", "not closed": `<propfind xmlns="DAV:"><prop>`,
	} {
		r, err := http.NewRequestWithContext(t.Context(), "PROPFIND", s.URL+"/door/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Depth", "1")
		answer, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d, want 400", name, answer.StatusCode)
		}
	}
}

// TestExactPropfind: where it was asked for, listings have exact lengths, too.
func TestExactPropfind(t *testing.T) {
	s := serve(t, recorded(), web.Options{ExactSizes: true})
	got := ask(t, s, "PROPFIND", at, "Depth", "1")
	var all multistatus
	if err := xml.Unmarshal([]byte(got.body), &all); err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, r := range all.Responses {
		if !strings.HasSuffix(r.Href, ".mp4") {
			continue
		}
		files++
		if length, whole := r.Props[0].Prop.Length, ask(t, s, http.MethodGet, r.Href); length != strconv.Itoa(len(whole.body)) {
			t.Errorf("%s is listed with %s bytes, it has %d", r.Href, length, len(whole.body))
		}
	}
	if files < 3 {
		t.Errorf("%d clips are listed: %s", files, got.body)
	}
}
