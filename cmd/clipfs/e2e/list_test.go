//go:build e2e

package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"

	"github.com/google/go-cmp/cmp"
)

// filesOf gives the paths of the files in a tree.
func filesOf(t *testing.T, root string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, strings.TrimPrefix(path, root+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// TestList: --list says what a walk meets, and what it does not meet resolves. With one of minutes, hours and days it meets each
// moment once, also on a day of 25 hours.
func TestList(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--quota", "off")
	createStreams(t, e, 24*500, "door", "clocks")
	midnight := time.Now().UTC().Truncate(24 * time.Hour).Add(-24 * time.Hour)
	day := midnight.Format("2006-01-02")
	put(t, e, "door", midnight.Add(10*time.Hour+time.Minute), 70*time.Second)
	put(t, e, "door", midnight.Add(14*time.Hour), 4*time.Second)
	back := clocksBack(t)
	put(t, e, "clocks", back, 4*time.Second)                                 // the second time from two to three in Berlin
	put(t, e, "clocks", back.Add(22*time.Hour-8*time.Second), 4*time.Second) // just before its midnight
	odd := back.Format("2006-01-02")
	for _, test := range []struct {
		stream string
		args   []string
		want   []string
	}{
		{"door", []string{"--list", "hours"}, []string{"T10/1h.mp4", "T14/1h.mp4"}},
		{"door", []string{"--list", "minutes"}, []string{"T10/%T10:01/1m.mp4", "T10/%T10:02/1m.mp4", "T14/%T14:00/1m.mp4"}},
		{"door", []string{"--list", "days"}, []string{"24h.mp4"}},
		{"door", []string{"--list", "hours,json", "--list", "mp4"}, []string{"T10/1h.json", "T10/1h.mp4", "T14/1h.json", "T14/1h.mp4"}},
		{"door", []string{"--list", "90s,1h"}, []string{"T10/1h.mp4", "T10/%T10:01/1h.mp4", "T10/%T10:01/1m30s.mp4", "T10/%T10:02/1h.mp4",
			"T10/%T10:02/1m30s.mp4", "T14/1h.mp4", "T14/%T14:00/1h.mp4", "T14/%T14:00/1m30s.mp4"}},
		{"clocks", []string{"--list", "days", "--timezone", "Europe/Berlin"}, []string{"24h.mp4", "T23/1h.mp4"}},
	} {
		m := harness.StartMount(t, e, test.args...)
		on := map[string]string{"door": day, "clocks": odd}[test.stream]
		var want []string
		for _, path := range test.want {
			if strings.HasPrefix(path, "T") {
				path = on + path
			}
			want = append(want, on+"/"+strings.ReplaceAll(path, "%", on))
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, filesOf(t, m.Join(test.stream))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.args, diff)
		}
		for _, path := range []string{"last/5s.mp4", "latest/1m.json"} {
			if _, err := os.Stat(m.Join("door", path)); err != nil {
				t.Errorf("%q: %v", test.args, err)
			}
		}
		m.Stop(t, syscall.SIGINT)
	}
	if got := e.Calls(t, "GetClip"); got != 0 {
		t.Errorf("walking cost %d GetClip calls", got)
	}
}

// TestBackUpByHours: rsync of a mount with --list hours copies each moment once, right, and the next time nothing.
func TestBackUpByHours(t *testing.T) {
	t.Parallel()
	harness.Need(t, "rsync", "du")
	e := harness.StartEmulator(t, "--quota", "off")
	createStreams(t, e, 24*500, "door")
	midnight := time.Now().UTC().Truncate(24 * time.Hour).Add(-24 * time.Hour)
	put(t, e, "door", midnight.Add(10*time.Hour+time.Minute), 70*time.Second)
	put(t, e, "door", midnight.Add(14*time.Hour), 30*time.Second)
	m := harness.StartMount(t, e, "--list", "hours")
	sum := func() (bytes int64) {
		fields := strings.Fields(string(harness.Run(t, "du", "-sb", m.Join("door"))))
		bytes, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	estimated := sum()
	to := t.TempDir()
	harness.Run(t, "rsync", "-a", m.Path+"/", to)
	copied := filesOf(t, to)
	if len(copied) != 2 {
		t.Errorf("copied %q, want one file an hour", copied)
	}
	for _, path := range copied {
		if diff := cmp.Diff(harness.Run(t, "sha256sum", filepath.Join(to, path))[:64], harness.Run(t, "sha256sum", m.Join(path))[:64]); diff != "" {
			t.Errorf("%s differs", path)
		}
	}
	if exact := sum(); estimated < exact || estimated > 2*exact+1<<20 { // it was on the high side
		t.Errorf("du said %d bytes, and then %d", estimated, exact)
	}
	if calls := e.Calls(t, "GetClip"); calls > 4 {
		t.Errorf("%d GetClip calls for two clips of 70 and 30 seconds", calls)
	}
	before := e.Calls(t, "GetClip")
	out := string(harness.Run(t, "rsync", "-a", "--stats", m.Path+"/", to))
	if !strings.Contains(out, "Number of regular files transferred: 0") || e.Calls(t, "GetClip") != before {
		t.Errorf("the second time: %s", out)
	}
}
