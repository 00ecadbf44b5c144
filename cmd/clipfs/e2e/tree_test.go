//go:build e2e

package e2e_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clipfs/clip/archive"
	"clipfs/clip/names"
	"clipfs/cmd/internal/harness"
)

// piece is some footage in 2 s fragments.
type piece struct {
	from   time.Time
	length time.Duration
}

// starts gives when the fragments of footage start, ascending.
func starts(footage []piece) []time.Time {
	var all []time.Time
	for _, p := range footage {
		for at := p.from; at.Before(p.from.Add(p.length)); at = at.Add(2 * time.Second) {
			all = append(all, at)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// has reports whether a fragment starts in a span.
func has(all []time.Time, from, to time.Time) bool {
	return slices.ContainsFunc(all, func(at time.Time) bool { return !at.Before(from) && at.Before(to) })
}

// files adds the names of the clips of some lengths, and their sidecars.
func files(tree map[string]bool, dir string, lengths []time.Duration, listed func(time.Duration) bool) {
	for _, length := range lengths {
		if listed(length) {
			tree[dir+"/"+names.FormatLength(length)+".mp4"] = true
			tree[dir+"/"+names.FormatLength(length)+".json"] = true
		}
	}
}

// model gives the names of all that a stream with some footage should list, worked out from the fragments' times alone.
func model(stream string, footage []piece, loc *time.Location, basic bool) map[string]bool {
	tree := map[string]bool{stream: true}
	all := starts(footage)
	if len(all) == 0 {
		return tree
	}
	grammar := names.Grammar{Location: loc, Basic: basic} // how times are written has tests of its own
	for _, at := range all {
		day := stream + "/" + grammar.FormatStart(at, archive.Day)
		hour := day + "/" + grammar.FormatStart(at, archive.Hour)
		minute := hour + "/" + grammar.FormatStart(at, archive.Minute)
		if tree[minute] {
			continue
		}
		tree[day], tree[hour], tree[minute] = true, true, true
		tree[day+"/24h.svg"], tree[day+"/24h.m3u8"], tree[hour+"/1h.m3u8"] = true, true, true
		start := at.Truncate(time.Minute)
		files(tree, minute, names.ListedLengths(), func(length time.Duration) bool { return has(all, start, start.Add(length)) })
		_, seconds := at.In(loc).Zone()
		ahead := time.Duration(seconds) * time.Second
		start = at.Add(ahead).Truncate(time.Hour).Add(-ahead) // where clocks begin an hour
		files(tree, hour, []time.Duration{time.Hour}, func(length time.Duration) bool { return has(all, start, start.Add(length)) })
	}
	end := all[len(all)-1].Add(2 * time.Second)
	tree[stream+"/last"], tree[stream+"/latest"] = true, true
	files(tree, stream+"/last", names.ListedLengths(), func(length time.Duration) bool { return has(all, end.Add(-length), end) })
	return tree
}

// walk gives the names of all that a mount lists.
func walk(t *testing.T, m *harness.Mount) map[string]bool {
	t.Helper()
	tree := make(map[string]bool)
	err := filepath.WalkDir(m.Path, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name, err := filepath.Rel(m.Path, path); err == nil && name != "." {
			tree[name] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// clocksBack gives the last time at which clocks in Berlin went back and that is more than a day ago: all of that day is over.
func clocksBack(t *testing.T) time.Time {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	offset := func(at time.Time) int {
		_, o := at.In(berlin).Zone()
		return o
	}
	at := time.Now().UTC().Add(-48 * time.Hour).Truncate(time.Hour)
	for offset(at) >= offset(at.Add(-time.Hour)) {
		at = at.Add(-time.Hour)
	}
	return at
}

// TestTree: the whole tree is what was put in, name by name, for footage with gaps, over the border of a day, and in the
// two hours of one name when clocks go back; in several zones and both formats.
func TestTree(t *testing.T) {
	e := harness.StartEmulator(t, "--quota", "off")
	yesterday := time.Now().UTC().Truncate(24 * time.Hour).Add(-24 * time.Hour)
	back := clocksBack(t)
	streams := map[string][]piece{
		"empty": nil,
		"gaps": {
			{yesterday.Add(10 * time.Hour), 3 * time.Minute}, {yesterday.Add(10*time.Hour + 4*time.Minute), 20 * time.Second},
			{yesterday.Add(10*time.Hour + 30*time.Minute + 30*time.Second), 6 * time.Second}, {yesterday.Add(14*time.Hour + 59*time.Minute), 2 * time.Minute},
		},
		"midnight": {{yesterday.Add(-30 * time.Second), time.Minute}, {yesterday.Add(23*time.Hour + 59*time.Minute), 2 * time.Minute}},
		"clocks":   {{back.Add(-90 * time.Minute), time.Minute}, {back.Add(-30 * time.Minute), time.Minute}, {back.Add(30 * time.Minute), time.Minute}, {back.Add(90 * time.Minute), time.Minute}},
	}
	for name, footage := range streams {
		createStreams(t, e, 24*500, name)
		for _, p := range footage {
			put(t, e, name, p.from, p.length)
		}
	}
	for _, test := range []struct {
		zone  string
		basic bool
		args  []string
	}{
		{"UTC", false, nil},
		{"Europe/Berlin", false, []string{"--timezone", "Europe/Berlin"}},
		{"Asia/Kathmandu", true, []string{"--timezone", "Asia/Kathmandu", "--names", "basic"}},
	} {
		t.Run(test.zone, func(t *testing.T) {
			loc, err := time.LoadLocation(test.zone)
			if err != nil {
				t.Fatal(err)
			}
			want := make(map[string]bool)
			for name, footage := range streams {
				for path := range model(name, footage, loc, test.basic) {
					want[path] = true
				}
			}
			m := harness.StartMount(t, e, test.args...)
			if diff := cmp.Diff(want, walk(t, m)); diff != "" {
				t.Errorf("put in -, listed +:\n%s", diff)
			}
			if got := e.Calls(t, "GetClip"); got != 0 {
				t.Errorf("walking cost %d GetClip calls", got)
			}
		})
	}
}

// TestManyStreams: a thousand streams are listed, with a call a page, and again with none.
func TestManyStreams(t *testing.T) {
	e := harness.StartEmulator(t, "--quota", "off")
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("camera-%04d", i))
	}
	createStreams(t, e, 24, names...)
	m := harness.StartMount(t, e)
	before := e.Calls(t, "ListStreams")
	for range 2 {
		entries, err := os.ReadDir(m.Path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, entry := range entries {
			got = append(got, entry.Name())
		}
		if !slices.Equal(got, names) {
			t.Errorf("%d streams listed, want %d", len(got), len(names))
		}
	}
	if cost := e.Calls(t, "ListStreams") - before; cost > 100 { // the service gives about ten a page
		t.Errorf("listing cost %d ListStreams calls", cost)
	}
	if out := harness.Run(t, "ls", "-l", m.Path); strings.Count(string(out), "\n") != 1001 {
		t.Errorf("ls -l shows %d lines", strings.Count(string(out), "\n"))
	}
	if got := e.Calls(t, "DescribeStream"); got != 0 {
		t.Errorf("ls -l cost %d DescribeStream calls: the listing describes the streams", got)
	}
}

// TestOnlySomeStreams: --stream shows one and needs no listing of all; others do not resolve.
func TestOnlySomeStreams(t *testing.T) {
	e := harness.StartEmulator(t, "--stream", "door=testcard", "--stream", "yard=testcard", "--stream", "yard-2=testcard")
	list := func(m *harness.Mount) string { return strings.TrimSpace(string(harness.Run(t, "ls", m.Path))) }
	m := harness.StartMount(t, e, "--stream", "yard")
	if got := list(m); got != "yard" {
		t.Errorf("--stream yard shows %q", got)
	}
	if _, err := os.Stat(m.Join("door")); !os.IsNotExist(err) {
		t.Errorf("--stream yard, door: %v", err)
	}
	if got := e.Calls(t, "ListStreams"); got != 0 {
		t.Errorf("%d ListStreams calls", got)
	}
	if got := list(harness.StartMount(t, e, "--stream-prefix", "yard")); got != "yard\nyard-2" {
		t.Errorf("--stream-prefix yard shows %q", got)
	}
}

// TestNested: a start resolves under the stream and in the day and the hour it lies in, and nowhere else, and the clip
// is the same.
func TestNested(t *testing.T) {
	e := harness.StartEmulator(t, "--stream", "testcard=testcard")
	m := harness.StartMount(t, e)
	at := time.Now().UTC().Add(-2 * time.Hour).Truncate(time.Minute)
	day, hour, minute := at.Format("2006-01-02"), at.Format("2006-01-02T15"), at.Format("2006-01-02T15:04")
	var first []byte
	for _, path := range []string{m.Join("testcard", minute, "1m.mp4"), m.Join("testcard", day, hour, minute, "1m.mp4"), m.Join("testcard", day, minute, "60s.mp4"), m.Join("testcard", hour, minute, "1m.mp4")} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = content
		}
		if !slices.Equal(content, first) {
			t.Errorf("%s is another clip", path)
		}
	}
	if got := e.Calls(t, "GetClip"); got != 1 {
		t.Errorf("one clip by four names cost %d GetClip calls", got)
	}
	other := at.Add(-48 * time.Hour).Format("2006-01-02")
	if _, err := os.Stat(m.Join("testcard", other, minute)); !os.IsNotExist(err) {
		t.Errorf("a minute in another day: %v", err)
	}
}
