package emulator_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/wire"
)

// model gives what the service's models say.
func model(t *testing.T) []wire.Operation {
	t.Helper()
	all, err := wire.Model()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// isThere reports whether the emulator's own lists have an operation.
func isThere(api wire.API) bool {
	return slices.Contains(slices.Concat(wire.ControlAPIs(), wire.DataAPIs()), api)
}

// onControl reports whether a host's operations are sent to the control listener, or nowhere else.
func onControl(h wire.Host) bool {
	return h == wire.ControlHost || h == wire.SignalingHost || h == wire.StorageHost
}

// TestModel: what the emulator has is what its lists say, on the host that the models say, and of all else in the models it
// says that it lacks it, in the form of an error of the service, with one warning.
func TestModel(t *testing.T) {
	all := model(t)
	for _, api := range slices.Concat(wire.ControlAPIs(), wire.DataAPIs()) {
		i := slices.IndexFunc(all, func(o wire.Operation) bool { return o.API == api })
		if i < 0 || onControl(all[i].Host) != slices.Contains(wire.ControlAPIs(), api) {
			t.Errorf("%s: not in the models, or not on that host", api)
		}
	}
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
			Streams: []emulator.Stream{{Name: "a"}}})
		control, data := c.server.Endpoint(), c.endpoint("a", "GET_CLIP")
		for _, o := range all {
			right, wrong := data, control
			if onControl(o.Host) {
				right, wrong = control, data
			}
			if r := c.call(wrong+o.Path, "", object{}); r.status != 403 || !strings.Contains(r.header.Get("Content-Type"), "xml") {
				t.Errorf("%s on the wrong host: %d %s", o.API, r.status, r.body)
			}
			for range 2 {
				r := c.call(right+o.Path, "", object{})
				if isThere(o.API) {
					if r.status == 501 {
						t.Errorf("%s: %s", o.API, r.body)
					}
					continue
				}
				r.wantError(t, 501, "NotImplementedException", "the clipfs emulator has no "+string(o.API))
				if r.header.Get("Content-Type") != "application/json" || r.header.Get("x-amzn-RequestId") == "" {
					t.Errorf("%s: header %v", o.API, r.header)
				}
			}
			want := 1
			if isThere(o.API) {
				want = 0
			}
			if got := strings.Count(log.String(), fmt.Sprintf("level=WARN msg=\"the emulator has no such operation\" api=%s\n", o.API)); got != want {
				t.Errorf("%s: %d warnings, want %d", o.API, got, want)
			}
		}
	})
}

// TestDataEndpoints: only for operations that are there is an endpoint told.
func TestDataEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, emulator.Options{NoQuota: true, Streams: []emulator.Stream{{Name: "a"}}})
		told := 0
		for _, o := range model(t) {
			if o.APIName == "" {
				continue
			}
			r := c.control("/getDataEndpoint", object{"StreamName": "a", "APIName": o.APIName})
			if !isThere(o.API) {
				r.wantError(t, 501, "NotImplementedException", "the clipfs emulator has no "+string(o.API))
				continue
			}
			r.into(t, new(object))
			told++
		}
		if told != len(wire.DataAPIs()) {
			t.Errorf("%d endpoints told, want %d", told, len(wire.DataAPIs()))
		}
	})
}

// TestReadme: the table of operations is that of the emulator's own lists.
func TestReadme(t *testing.T) {
	const path, update = "README.md", "CLIPFS_TEST_UPDATE"
	var table strings.Builder
	table.WriteString("| host | has | lacks (501) |\n|---|---|---|\n")
	for _, host := range []wire.Host{wire.ControlHost, wire.ArchiveHost, wire.MediaHost, wire.IngestHost, wire.SignalingHost, wire.StorageHost} {
		var has, lacks []string
		for _, o := range model(t) {
			switch {
			case o.Host != host:
			case isThere(o.API):
				has = append(has, string(o.API))
			default:
				lacks = append(lacks, string(o.API))
			}
		}
		fmt.Fprintf(&table, "| %s | %s | %s |\n", host, strings.Join(has, ", "), strings.Join(lacks, ", "))
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile(`(?s)(<!-- operations -->\n).*(<!-- end -->\n)`)
	want := section.ReplaceAll(got, []byte("${1}"+table.String()+"${2}"))
	if !section.Match(got) || bytes.Equal(got, want) {
		if !section.Match(got) {
			t.Errorf("%s has no table of operations", path)
		}
		return
	}
	if os.Getenv(update) != "1" {
		t.Fatalf("%s is stale: %s=1 go test ./clip/emulator -run TestReadme", path, update)
	}
	if err := os.WriteFile(path, want, 0o644); err != nil {
		t.Fatal(err)
	}
}
