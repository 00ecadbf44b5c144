package names_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/names"
)

func TestListed(t *testing.T) {
	all := names.ListedLengths()
	const sidecar names.Form = ".json"
	movie, both := []names.Form{names.Movie}, []names.Form{names.Movie, sidecar}
	minute, ten, hour := time.Minute, 10*time.Minute, time.Hour
	type lengths = []time.Duration
	for _, test := range []struct {
		words                    []string
		day, hour, minute, other lengths
		finerDay, finerHour      bool
		forms                    []names.Form
	}{
		{nil, nil, lengths{hour}, all, all, true, true, both},
		{[]string{"minutes"}, nil, nil, lengths{minute}, nil, true, true, movie},
		{[]string{"hours"}, nil, lengths{hour}, nil, nil, true, false, movie},
		{[]string{"days"}, lengths{24 * hour}, nil, nil, nil, false, false, movie},
		{[]string{"json", "hours"}, nil, lengths{hour}, nil, nil, true, false, []names.Form{sidecar}},
		{[]string{"json", "mp4", "mp4"}, nil, lengths{hour}, all, all, true, true, both},
		{[]string{"10m", "1m", "600s"}, nil, nil, lengths{minute, ten}, lengths{minute, ten}, true, true, movie},
		{[]string{"1h", "1m"}, nil, lengths{hour}, lengths{minute, hour}, lengths{minute, hour}, true, true, movie},
		{[]string{"hours", "10m", "24h"}, lengths{24 * hour}, lengths{ten, 24 * hour}, lengths{ten, 24 * hour}, lengths{ten, 24 * hour}, true, false, movie},
	} {
		l, err := names.ParseListed(test.words, both)
		if err != nil {
			t.Errorf("%q: %v", test.words, err)
			continue
		}
		for _, d := range []struct {
			at     archive.Precision
			period time.Duration
			want   lengths
		}{{archive.Day, 24 * hour, test.day}, {archive.Hour, hour, test.hour}, {archive.Minute, minute, test.minute}, {archive.Second, time.Second, test.other}} {
			if got := l.Lengths(d.at, d.period); !slices.Equal(got, d.want) {
				t.Errorf("%q: a directory of %s lists %v, want %v", test.words, d.period, got, d.want)
			}
		}
		var forms []names.Form
		for _, f := range []names.Form{names.Movie, ".times.json", sidecar} {
			if l.Lists(f, f != ".times.json") {
				forms = append(forms, f)
			}
		}
		if l.Finer(archive.Day) != test.finerDay || l.Finer(archive.Hour) != test.finerHour || l.Finer(archive.Minute) || !slices.Equal(forms, test.forms) {
			t.Errorf("%q: finer %t %t, kinds %v", test.words, l.Finer(archive.Day), l.Finer(archive.Hour), forms)
		}
	}
	if l, err := names.ParseListed([]string{"days"}, both); err != nil || !slices.Equal(l.Lengths(archive.Day, 23*hour), lengths{23 * hour}) ||
		!slices.Equal(l.Lengths(archive.Day, 25*hour), lengths{24 * hour}) {
		t.Errorf("days of 23 and 25 hours: %v, %v", l, err)
	}
	for words, want := range map[string]bool{"": true, "json": true, "mp4": false, "json,90s": true, "days,json": false, "hours,json": false, "hours,json,1h": true} {
		l, err := names.ParseListed(strings.FieldsFunc(words, func(c rune) bool { return c == ',' }), both)
		if got := l.ListsWhole(sidecar); err != nil || got != want {
			t.Errorf("%q: lists the whole as a sidecar %t, %v; want %t", words, got, err, want)
		}
	}
	for words, want := range map[string][2]bool{"runs": {true, true}, "runs,json": {true, true}, "hours,runs": {true, false}, "runs,24h": {true, false}, "hours": {}} {
		l, err := names.ParseListed(strings.Split(words, ","), both, "runs")
		listed, only := l.ListsDir("runs")
		if err != nil || listed != want[0] || only != want[1] {
			t.Errorf("%q: runs listed %t, only %t, %v; want %t", words, listed, only, err, want)
		}
		if only && (l.Finer(archive.Day) || l.Finer(archive.Hour) || len(l.Lengths(archive.Day, 24*hour)) > 0 || len(l.Lengths(archive.Minute, minute)) > 0) {
			t.Errorf("%q lists more than runs", words)
		}
	}
	for _, words := range [][]string{{"runs"}, {"hour"}, {"25h"}, {"m3u8"}, {"hours", "days"}, {".mp4"}, {"MP4"}} {
		if _, err := names.ParseListed(words, both); err == nil {
			t.Errorf("%q is taken", words)
		}
	}
}
