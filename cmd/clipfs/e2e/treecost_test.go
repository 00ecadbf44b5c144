//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// TestCostOfLooking: what looking at a stream of 48 hours of 2 s fragments costs in ListFragments calls. An hour of it
// is 1,800 fragments, two pages.
func TestCostOfLooking(t *testing.T) {
	t.Parallel()    // beside those that wait for the most part
	const pages = 2 // of an hour
	e := harness.StartEmulator(t, "--stream", "testcard=testcard", "--quota", "off", "--retention", "72h")
	cache := t.TempDir()
	calm := []string{"--metadata-ttl", "10m", "--log-level", "info"} // a line for each of 200,000 operations says little
	m := harness.StartMountWith(t, e, nil, cache, calm...)
	// A day that ended so long ago that none of its clips goes on to the hours at the live edge.
	date := time.Now().UTC().Add(-26 * time.Hour).Format("2006-01-02")
	cost := func(what string, most int64, command ...string) {
		t.Helper()
		before := e.Calls(t, "ListFragments")
		if out := harness.Run(t, command[0], command[1:]...); len(out) == 0 {
			t.Errorf("%s: %q says nothing", what, command)
		}
		got := e.Calls(t, "ListFragments") - before
		t.Logf("%s: %d ListFragments calls", what, got)
		if got > most {
			t.Errorf("%s cost %d ListFragments calls, want at most %d", what, got, most)
		}
	}
	day := m.Join("testcard", date)
	cost("ls of a stream, cold", 4+2*pages, "ls", m.Join("testcard")) // four days, the last two hours
	cost("ls of a day, cold", 24, "ls", day)
	cost("ls of a day, warm", 0, "ls", day)
	// It begins in the middle of an hour, and costs the pages of its longest clip all the same.
	cost("ls -l of a start directory", pages, "ls", "-l", filepath.Join(day, date+"T10", date+"T10:07"))
	cost("ls -l of one before it", 1, "ls", "-l", filepath.Join(day, date+"T10", date+"T10:00"))
	cost("ls -l of one between them", 0, "ls", "-l", filepath.Join(day, date+"T10", date+"T10:05"))
	cost("find of a day", 25*pages, "find", day, "-name", "5m.mp4")
	walk := func(what string, first int64) { // the ends of the day and an hour between them, to which the others are alike
		for _, hour := range []int{0, 13, 23} {
			cost(what, first, "ls", "-lR", filepath.Join(day, fmt.Sprintf("%sT%02d", date, hour)))
			first = 0
		}
	}
	walk("ls -lR of hours", 0)
	if got := e.Calls(t, "GetClip"); got != 0 {
		t.Errorf("looking cost %d GetClip calls", got)
	}
	m.Stop(t, 15)
	m = harness.Remount(t, m, e, calm...)
	day = m.Join("testcard", date)
	walk("ls -lR of hours after a remount", 1)
	minute := m.Join("testcard", date, date+"T10", date+"T10:07")
	clips := look(t, minute)
	var bytes int64
	for _, c := range e.Counts(t) {
		if c.API == "GetClip" {
			bytes += c.Bytes
		}
	}
	// Opening takes the heads of all calls: the longest clip has one a minute, in which the others lie, but for those
	// of one call. Looked at again, nothing of it is asked for.
	first := e.Calls(t, "GetClip")
	t.Logf("a file manager's look at %d clips: %d GetClip calls, %d bytes", clips, first, bytes)
	if most := int64(60 + clips); first > most {
		t.Errorf("a file manager's look at %d clips cost %d GetClip calls, want at most %d", clips, first, most)
	}
	look(t, minute)
	if again := e.Calls(t, "GetClip") - first; again > int64(clips) {
		t.Errorf("a file manager's second look at %d clips cost %d GetClip calls", clips, again)
	}
}

// TestCostOfARetention: more than a year that is kept before the first footage, and a week after it, cost an ls of the stream
// twelve calls at most, one more for each day with footage, and a stream without any no more than that.
func TestCostOfARetention(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--quota", "off")
	createStreams(t, e, 24*390, "cam", "empty")
	at := time.Now().UTC().Add(-9 * 24 * time.Hour).Truncate(time.Hour) // a minute that is not of two days
	for range 3 {
		put(t, e, "cam", at, time.Minute)
		at = at.Add(24 * time.Hour)
	}
	m := harness.StartMount(t, e)
	for stream, days := range map[string]int{"cam": 3, "empty": 0} {
		before := e.Calls(t, "ListFragments")
		entries, err := os.ReadDir(m.Join(stream))
		if err != nil {
			t.Fatal(err)
		}
		got := e.Calls(t, "ListFragments") - before
		t.Logf("%s: %d calls", stream, got)
		if want := days + 2*min(days, 1); len(entries) != want || got > int64(days+12) { // latest and last
			t.Errorf("ls of %s: %d entries, want %d, and %d ListFragments calls, want at most %d", stream, len(entries), want, got, days+12)
		}
	}
}

// look does with everything in a directory what a graphical file manager does: it opens it and reads the beginning. It
// gives how many clips there were.
func look(t *testing.T, dir string) (clips int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		f, err := os.Open(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := f.Read(make([]byte, 4096)); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if strings.HasSuffix(entry.Name(), ".mp4") {
			clips++
		}
	}
	return clips
}

// TestLateUpload: an hour that was listed empty and is filled later is seen without a remount, and a clip that was read
// before has the new footage when it is opened again.
func TestLateUpload(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--quota", "off")
	createStreams(t, e, 24*10, "cam")
	hour := time.Now().UTC().Truncate(24 * time.Hour).Add(-24 * time.Hour).Add(10 * time.Hour)
	put(t, e, "cam", hour, 2*time.Minute)
	m := harness.StartMount(t, e, "--metadata-ttl", "1s")
	day := m.Join("cam", hour.Format("2006-01-02"))
	list := func() string { // the hours
		return strings.TrimSpace(string(harness.Run(t, "find", day, "-mindepth", "1", "-type", "d", "-prune", "-printf", "%f\n")))
	}
	ten, eleven := hour.Format("2006-01-02T15"), hour.Add(time.Hour).Format("2006-01-02T15")
	if got := list(); got != ten {
		t.Fatalf("listed %q", got)
	}
	if got := strings.TrimSpace(string(harness.Run(t, "ls", m.Join("cam", eleven)))); got != "" {
		t.Errorf("the empty hour lists %q", got)
	}
	path := m.Join("cam", hour.Format("2006-01-02T15:04"), "5m.mp4")
	sameFrames(t, path, recorded(t, hour, 2*time.Minute))
	put(t, e, "cam", hour.Add(2*time.Minute), time.Minute)
	put(t, e, "cam", hour.Add(time.Hour), 10*time.Second)
	eventually(t, "the hour that was empty is listed", func() bool { return list() == ten+"\n"+eleven })
	eventually(t, "the clip has 90 fragments", func() bool { return xattr(t, path, "user.clipfs.fragments") == "90" })
	sameFrames(t, path, recorded(t, hour, 3*time.Minute))
}

// eventually waits for something to become true, for longer than any answer is believed, and tells how long it took.
func eventually(t *testing.T, what string, true func() bool) time.Duration {
	t.Helper()
	begun := time.Now()
	for !true() {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("not within 20 s: %s", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("after %s: %s", time.Since(begun).Round(10*time.Millisecond), what)
	return time.Since(begun)
}

// TestLiveEdge: what a camera sends shows up at once, latest moves, and a clip opened at the edge stays as it was for
// that handle and is longer when it is opened again.
func TestLiveEdge(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--quota", "off")
	createStreams(t, e, 24, "cam")
	from := time.Now().UTC().Add(-3 * time.Minute).Truncate(time.Minute)
	var flags []string
	if from.Truncate(time.Hour) != time.Now().UTC().Truncate(time.Hour) {
		flags = []string{"--metadata-ttl", "2s"} // in an hour that is over the footage is a late arrival, which is looked for at that pace
	}
	m := harness.StartMount(t, e, flags...)
	if got := harness.Run(t, "ls", m.Join("cam")); len(got) != 0 {
		t.Errorf("a stream without footage lists %q", got)
	}
	put(t, e, "cam", from, 30*time.Second)
	minute := func(at time.Time) string { return at.Format("2006-01-02T15:04") }
	hour := m.Join("cam", from.Format("2006-01-02"), from.Format("2006-01-02T15"))
	listed := func(name string) func() bool {
		return func() bool {
			_, err := os.Stat(filepath.Join(hour, name))
			entries, listErr := os.ReadDir(hour)
			for _, entry := range entries {
				if err == nil && listErr == nil && entry.Name() == name {
					return true
				}
			}
			return false
		}
	}
	// 2 s, as long as an answer about the edge holds, and room for a machine that is busy.
	const soon = 6 * time.Second
	if took := eventually(t, "the minute is listed", listed(minute(from))); took > soon {
		t.Errorf("the first footage showed up after %s", took)
	}
	path := m.Join("cam", minute(from), "5m.mp4")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	before, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	latest, err := os.Readlink(m.Join("cam", "latest"))
	if err != nil || latest != minute(from) {
		t.Errorf("latest is %q, %v; want %q", latest, err, minute(from))
	}
	put(t, e, "cam", from.Add(30*time.Second), time.Minute)
	took := eventually(t, "latest moves", func() bool {
		target, err := os.Readlink(m.Join("cam", "latest"))
		return err == nil && target == minute(from.Add(time.Minute))
	})
	if took > soon {
		t.Errorf("latest moved after %s", took)
	}
	eventually(t, "the clip is longer", func() bool { return xattr(t, path, "user.clipfs.fragments") == "45" })
	sameFrames(t, path, recorded(t, from, 90*time.Second))
	after, err := f.Stat()
	if err != nil || after.Size() != before.Size() {
		t.Errorf("the open file went from %d to %d bytes, %v", before.Size(), after.Size(), err)
	}
	old := filepath.Join(t.TempDir(), "old.mp4")
	content := make([]byte, before.Size())
	if n, err := f.ReadAt(content, 0); n != len(content) {
		t.Fatalf("read %d bytes of the old version: %v", n, err)
	}
	if err := os.WriteFile(old, content, 0o600); err != nil {
		t.Fatal(err)
	}
	sameFrames(t, old, recorded(t, from, 30*time.Second))
	sameFrames(t, m.Join("cam", "last", "30s.mp4"), recorded(t, from.Add(time.Minute), 30*time.Second))
}

// TestTools: what people use to look through directories works on the tree.
func TestTools(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--quota", "off")
	createStreams(t, e, 24*10, "cam")
	day := time.Now().UTC().Truncate(24 * time.Hour).Add(-24 * time.Hour)
	put(t, e, "cam", day.Add(10*time.Hour), 2*time.Minute)
	put(t, e, "cam", day.Add(12*time.Hour), time.Minute)
	m := harness.StartMount(t, e)
	name := day.Format("2006-01-02")
	clipOf := func(hour string) string {
		return m.Join("cam", name, name+"T"+hour, name+"T"+hour+":00", "1m.mp4")
	}
	found := harness.Run(t, "find", m.Path, "-name", "1m.mp4", "-newermt", name+" 11:00 UTC", "-not", "-path", "*/last/*")
	if got := strings.TrimSpace(string(found)); got != clipOf("12") {
		t.Errorf("find -newermt: %q", got)
	}
	sorted := harness.Run(t, "ls", "-t", clipOf("10"), clipOf("12"))
	if got := strings.TrimSpace(string(sorted)); got != clipOf("12")+"\n"+clipOf("10") {
		t.Errorf("ls -t: %q", got)
	}
	globbed := harness.Run(t, "sh", "-c", `printf '%s\n' "$0"/*T1[0-2]/*/1m.mp4`, m.Join("cam", name))
	if got := strings.Count(string(globbed), "\n"); got != 3 {
		t.Errorf("a glob finds %d clips: %q", got, globbed)
	}
	harness.Need(t, "bash")
	completed := harness.Run(t, "bash", "-c", `compgen -f "$0"`, m.Join("cam", name, name+"T1"))
	if got := strings.Count(string(completed), "\n"); got != 2 {
		t.Errorf("completion finds %d hours: %q", got, completed)
	}
	dry := harness.Run(t, "rsync", "-an", "--stats", m.Join("cam", name)+"/", t.TempDir()+"/")
	if !strings.Contains(string(dry), "Number of files: ") {
		t.Errorf("rsync -n: %s", dry)
	}
	if got := e.Calls(t, "GetClip"); got != 0 {
		t.Errorf("all that cost %d GetClip calls", got)
	}
	// What rsync has copied it does not copy again: sizes and times stay.
	target := t.TempDir()
	hour := m.Join("cam", name, name+"T12") + "/"
	harness.Run(t, "rsync", "-a", hour, target+"/")
	first := e.Calls(t, "GetClip")
	again := harness.Run(t, "rsync", "-ai", "--include", "*/", "--include", "*.mp4", "--exclude", "*", hour, target+"/")
	if len(again) != 0 || e.Calls(t, "GetClip") != first {
		t.Errorf("rsync again: %q, %d GetClip calls more", again, e.Calls(t, "GetClip")-first)
	}
}

// TestSidecarAndXattrs: what the sidecar and the directories tell agrees with what was recorded.
func TestSidecarAndXattrs(t *testing.T) {
	t.Parallel()
	e := harness.StartEmulator(t, "--quota", "off")
	createStreams(t, e, 24*10, "cam")
	from := time.Now().UTC().Truncate(24 * time.Hour).Add(-14 * time.Hour)
	put(t, e, "cam", from, time.Minute)
	put(t, e, "cam", from.Add(5*time.Minute), time.Minute)
	m := harness.StartMount(t, e)
	minute := m.Join("cam", from.Format("2006-01-02T15:04"))
	var sidecar struct {
		Stream    string
		Totals    struct{ Fragments int }
		Gaps      []struct{ Start, End string }
		Fragments []struct{ Number string }
	}
	read := func(name string) []byte {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(minute, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &sidecar); err != nil {
			t.Fatal(err)
		}
		return text
	}
	before := read("1m.json")
	read("30m.json")
	if s := sidecar; s.Stream != "cam" || s.Totals.Fragments != 60 || len(s.Fragments) != 60 || len(s.Gaps) != 1 ||
		!strings.HasPrefix(s.Gaps[0].End, from.Add(5*time.Minute).Format("2006-01-02T15:04:05")) {
		t.Errorf("sidecar: %+v", s)
	}
	if _, err := os.ReadFile(filepath.Join(minute, "1m.mp4")); err != nil {
		t.Fatal(err)
	}
	if got := xattr(t, filepath.Join(minute, "1m.mp4"), "user.clipfs.size"); got != "exact" {
		t.Errorf("size of what was read: %s", got)
	}
	m.Stop(t, syscall.SIGINT)
	m = harness.Remount(t, m, e)
	if after := read("1m.json"); !bytes.Equal(after, before) {
		t.Errorf("1m.json changed with an open and a remount:\n%s\n%s", before, after)
	}
	hour := m.Join("cam", from.Format("2006-01-02"), from.Format("2006-01-02T15"))
	for path, want := range map[string]string{hour: "120", filepath.Dir(hour): "120", minute: "60"} {
		if got := xattr(t, path, "user.clipfs.footage"); got != want {
			t.Errorf("%s: %s s of footage, want %s", path, got, want)
		}
	}
	for name, want := range map[string]time.Time{"first": from, "last": from.Add(5*time.Minute + 58*time.Second)} {
		for _, path := range []string{hour, m.Join("cam")} {
			if got := xattr(t, path, "user.clipfs."+name); got != want.Format("2006-01-02T15:04:05.000Z") {
				t.Errorf("%s of %s: %s, want %s", name, path, got, want)
			}
		}
	}
}
