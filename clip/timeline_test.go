package clip_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"clipfs/clip"
	"clipfs/clip/archive"
	"clipfs/clip/archive/memory"
	"clipfs/clip/names"
	"clipfs/clip/timeline"
)

func TestListingIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(100 * time.Hour) // away from the bubble's epoch
		m := memory.New()
		now := time.Now()
		m.Record("cam", now.Add(-10*time.Hour), 6*1800, 2*time.Second)
		l, c := library(t, m, clip.Options{MetadataTTL: time.Minute})
		past := archive.NewSpan(now.Add(-9*time.Hour), 10*time.Minute)
		lists := func() int { _, n, _ := m.Calls(); return n }
		for range 3 {
			lookUp(t, l, "cam", past)
		}
		lookUp(t, l, "cam", archive.NewSpan(past.Start.Add(20*time.Minute), 10*time.Minute))
		if got := lists(); got != 2 {
			t.Errorf("two spans of the past: %d calls, want 2", got)
		}
		time.Sleep(59 * time.Second)
		lookUp(t, l, "cam", past)
		if got := lists(); got != 2 {
			t.Errorf("within the TTL: %d calls, want 2", got)
		}
		time.Sleep(2 * time.Second)
		lookUp(t, l, "cam", past)
		if got := lists(); got != 3 {
			t.Errorf("after the TTL: %d calls, want one look for late arrivals", got-2)
		}
		// At the live edge footage has to show up soon.
		edge := archive.NewSpan(time.Now().Add(-time.Minute), 10*time.Minute)
		m.Record("cam", time.Now().Add(-30*time.Second), 1, 2*time.Second)
		before := lookUp(t, l, "cam", edge)
		m.Record("cam", time.Now().Add(-28*time.Second), 1, 2*time.Second)
		time.Sleep(2 * time.Second)
		if after := lookUp(t, l, "cam", edge); after.Fragments() != 2 || after.Key() == before.Key() {
			t.Errorf("two seconds later: %d fragments, key as before %t; want 2 and another", after.Fragments(), after.Key() == before.Key())
		}
		_ = c.Close() // within the bubble
	})
}

// TestRepetitionsAreDropped: the service lists in no order, may list twice, and of two fragments with one producer
// time GetClip gives the older.
func TestRepetitionsAreDropped(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 10, 2*time.Second)
	once := lookUpNew(t, m)
	m.Change(func() {
		again, later := m.Recorded["cam"][3], m.Recorded["cam"][5]
		later.ID = "9" + later.ID[1:]
		m.Recorded["cam"] = append(m.Recorded["cam"], again, later)
	})
	if twice := lookUpNew(t, m); twice.Key() != once.Key() {
		t.Errorf("keys %s and %s, fragments %d and %d", once.Key(), twice.Key(), once.Fragments(), twice.Fragments())
	}
}

// lookUpNew looks the first minute up in a fresh library.
func lookUpNew(t *testing.T, m *memory.Archive) *clip.Clip {
	l, _ := library(t, m, clip.Options{})
	return lookUp(t, l, "cam", archive.NewSpan(memory.Base(), time.Minute))
}

// namesOf gives the names of starts.
func namesOf(g names.Grammar, starts []archive.Start) string {
	var all []string
	for _, s := range starts {
		all = append(all, g.FormatStart(s.Time, s.Precision))
	}
	return strings.Join(all, " ")
}

func TestLatest(t *testing.T) {
	hour := func(h int) time.Time { return time.Date(2026, 3, 29, h, 0, 0, 0, time.UTC) }
	for _, test := range []struct {
		name   string
		now    time.Time
		record []time.Time
		asks   int
	}{
		{"at the edge", hour(12).Add(30 * time.Minute), []time.Time{hour(3), hour(10), hour(12)}, 0},
		{"an hour ago", hour(12).Add(30 * time.Minute), []time.Time{hour(3), hour(11)}, 0},
		{"hours ago", hour(12), []time.Time{hour(3), hour(5)}, 6},
		{"weeks ago", hour(12).Add(20 * 24 * time.Hour), []time.Time{hour(3), hour(5)}, 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(test.now))
				m := memory.New()
				for _, start := range test.record {
					m.Record("cam", start, 30, 2*time.Second)
				}
				l, c := library(t, m, clip.Options{})
				defer func() { _ = c.Close() }()
				last := test.record[len(test.record)-1]
				if latest, err := l.Latest(t.Context(), "cam"); err != nil || !latest.Equal(last.Add(58*time.Second)) {
					t.Errorf("latest: got %s, %v; want %s", latest, err, last.Add(58*time.Second))
				}
				if first, err := l.First(t.Context(), "cam"); err != nil || !first.Equal(test.record[0]) {
					t.Errorf("first: got %s, %v; want %s", first, err, test.record[0])
				}
				if _, _, asks := m.Calls(); asks > test.asks+20 {
					t.Errorf("cost %d probes, want at most %d and 20", asks, test.asks)
				}
				clip, err := l.Last(t.Context(), "cam", 30*time.Second)
				if err != nil {
					t.Fatal(err)
				}
				if got := clip.Fragments(); got != 15 {
					t.Errorf("the last 30 s: got %d fragments, want 15", got)
				}
			})
		})
	}
	m := memory.New()
	m.Recorded["empty"] = nil
	l, _ := library(t, m, clip.Options{})
	if _, err := l.Latest(t.Context(), "empty"); !errors.Is(err, archive.ErrNoFootage) {
		t.Errorf("stream without footage: got %v", err)
	}
	if _, err := l.First(t.Context(), "empty"); !errors.Is(err, archive.ErrNoFootage) {
		t.Errorf("stream without footage: got %v", err)
	}
	if _, err := l.Latest(t.Context(), "none"); !errors.Is(err, archive.ErrNoStream) {
		t.Errorf("no stream: got %v", err)
	}
}

// TestCalendar records now and then over the change of clocks in several zones and compares days, hours and minutes
// with those that the fragments lie in.
func TestCalendar(t *testing.T) {
	for _, place := range []struct {
		zone  string
		start string
	}{
		{"UTC", "2026-03-28T20:00:00Z"},
		{"Europe/Berlin", "2026-03-28T20:00:00Z"},
		{"Europe/Berlin", "2026-10-24T20:00:00Z"},
		{"America/New_York", "2026-10-31T20:00:00Z"},
		{"Asia/Kathmandu", "2026-03-28T20:00:00Z"},
		{"Australia/Lord_Howe", "2026-04-04T10:00:00Z"},
	} {
		t.Run(place.zone+" "+place.start, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := instant(t, place.start)
				time.Sleep(time.Until(begin.Add(40 * time.Hour)))
				m := memory.New()
				m.Retention, m.Created = 100*time.Hour, begin.Add(-time.Hour)
				g := names.Grammar{Location: location(t, place.zone)}
				want := map[archive.Precision]map[string]bool{archive.Day: {}, archive.Hour: {}, archive.Minute: {}}
				for i := range 60 { // every 37 minutes half a minute
					start := begin.Add(time.Duration(i) * 37 * time.Minute)
					m.Record("cam", start, 15, 2*time.Second)
					for p := range want {
						want[p][g.FormatStart(start, p)] = true
					}
				}
				l, c := library(t, m, clip.Options{Grammar: g})
				defer func() { _ = c.Close() }()
				got := map[archive.Precision]map[string]bool{archive.Day: {}, archive.Hour: {}, archive.Minute: {}}
				note := func(p archive.Precision, starts []archive.Start, err error) []archive.Start {
					if err != nil {
						t.Fatal(err)
					}
					for _, s := range starts {
						got[p][g.FormatStart(s.Time, p)] = true
					}
					return starts
				}
				days, err := l.Days(t.Context(), "cam")
				for _, day := range note(archive.Day, days, err) {
					hours, err := l.DayHours(t.Context(), "cam", day)
					for _, hour := range note(archive.Hour, hours, err) {
						minutes, err := l.Minutes(t.Context(), "cam", hour)
						note(archive.Minute, minutes, err)
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("want -, got +:\n%s", diff)
				}
			})
		})
	}
}

// TestCostOfADay: hours are found with at most 24 calls of one fragment, and what is known is not asked again.
func TestCostOfADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 6, 3, 12, 0, 0, 0, time.UTC)))
		m := memory.New()
		m.Retention, m.Created = 1000*time.Hour, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
		for h := 3; h < 20; h += 2 {
			m.Record("cam", time.Date(2026, 6, 2, h, 0, 0, 0, time.UTC), 900, 2*time.Second)
		}
		dir := t.TempDir()
		l, c := library(t, m, clip.Options{TimelineDir: dir})
		day, err := l.Grammar().ParseStart("2026-06-02")
		if err != nil {
			t.Fatal(err)
		}
		walk := func(l *clip.Library) string {
			hours, err := l.DayHours(t.Context(), "cam", day)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range hours {
				if minutes, err := l.Minutes(t.Context(), "cam", h); err != nil || len(minutes) != 30 {
					t.Errorf("%d minutes, %v; want 30", len(minutes), err)
				}
			}
			return namesOf(l.Grammar(), hours)
		}
		cost := func(what string, wantLists, wantProbes int, do func()) {
			t.Helper()
			_, lists, probes := m.Calls()
			do()
			_, lists2, probes2 := m.Calls()
			if lists2-lists != wantLists || probes2-probes != wantProbes {
				t.Errorf("%s cost %d listings and %d probes, want %d and %d", what, lists2-lists, probes2-probes, wantLists, wantProbes)
			}
		}
		var first string
		cost("ls of a day, cold", 0, 24, func() {
			if hours, err := l.DayHours(t.Context(), "cam", day); err != nil || len(hours) != 9 {
				t.Errorf("%d hours, %v", len(hours), err)
			}
		})
		cost("all of the day", 9, 0, func() { first = walk(l) })
		cost("all of the day again", 0, 0, func() { walk(l) })
		time.Sleep(2 * time.Minute)
		cost("all of the day after the TTL", 1, 0, func() { walk(l) })
		_ = c.Close()

		again, c := library(t, m, clip.Options{TimelineDir: dir})
		time.Sleep(time.Minute)
		cost("all of the day after a remount", 1, 0, func() {
			if second := walk(again); second != first {
				t.Errorf("got %q, before %q", second, first)
			}
		})
		m.ARN = "another"
		_ = c.Close()
		other, c := library(t, m, clip.Options{TimelineDir: dir})
		cost("a stream made anew under the same name", 9, 24, func() { walk(other) })
		_ = c.Close()
	})
}

// TestLateFootage: what is uploaded with old times into hours that are remembered, empty ones too, is seen.
func TestLateFootage(t *testing.T) {
	for _, remount := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(time.Date(2026, 6, 3, 12, 0, 0, 0, time.UTC)))
			m := memory.New()
			hour := time.Date(2026, 6, 2, 10, 0, 0, 0, time.UTC)
			m.Record("cam", hour, 30, 2*time.Second)
			dir := t.TempDir()
			l, c := library(t, m, clip.Options{TimelineDir: dir})
			day, err := l.Grammar().ParseStart("2026-06-02")
			if err != nil {
				t.Fatal(err)
			}
			hours := func() string {
				h, err := l.DayHours(t.Context(), "cam", day)
				if err != nil {
					t.Fatal(err)
				}
				return namesOf(l.Grammar(), h)
			}
			fragments := func() int { return lookUp(t, l, "cam", archive.NewSpan(hour, 10*time.Minute)).Fragments() }
			if got := hours(); got != "2026-06-02T10" || fragments() != 30 {
				t.Fatalf("hours %q, %d fragments", got, fragments())
			}
			time.Sleep(5 * time.Minute)
			m.Upload("cam", hour.Add(2*time.Minute), 10, 2*time.Second, time.Now())
			m.Upload("cam", hour.Add(-5*time.Hour), 10, 2*time.Second, time.Now())
			time.Sleep(2 * time.Minute)
			if remount {
				_ = c.Close()
				l, c = library(t, m, clip.Options{TimelineDir: dir})
			}
			if got := hours(); got != "2026-06-02T05 2026-06-02T10" {
				t.Errorf("remount %t: hours %q", remount, got)
			}
			if got := fragments(); got != 40 {
				t.Errorf("remount %t: %d fragments, want 40", remount, got)
			}
			_ = c.Close()
		})
	}
}

// TestMuchSinceTheLastLook: when too much has come to go through, hours are asked for anew.
func TestMuchSinceTheLastLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 6, 3, 12, 0, 0, 0, time.UTC)))
		m := memory.New()
		hour := time.Date(2026, 6, 2, 10, 0, 0, 0, time.UTC)
		m.Record("cam", hour, 30, 2*time.Second)
		l, c := library(t, m, clip.Options{TimelineDir: t.TempDir()})
		defer func() { _ = c.Close() }()
		span := archive.NewSpan(hour, 10*time.Minute)
		lookUp(t, l, "cam", span)
		m.Record("cam", time.Now(), 20_000, 2*time.Second)
		m.Upload("cam", hour.Add(2*time.Minute), 10, 2*time.Second, time.Now())
		time.Sleep(12 * time.Hour)
		if got := lookUp(t, l, "cam", span).Fragments(); got != 40 {
			t.Errorf("%d fragments, want 40", got)
		}
		if _, lists, _ := m.Calls(); lists != 1+11+1 {
			t.Errorf("%d pages of listings, want the hour, no more than ten and one of the look, and the hour again", lists)
		}
	})
}

// TestDamagedMemory: what cannot be read of the remembered hours is asked for again.
func TestDamagedMemory(t *testing.T) {
	for name, damage := range map[string]func(b []byte) []byte{
		"cut":     func(b []byte) []byte { return b[:len(b)-9] },
		"spoiled": func(b []byte) []byte { b[len(b)/2] ^= 0x55; return b },
		"garbage": func([]byte) []byte { return []byte("not gzip") },
		"empty":   func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			m := memory.New()
			m.Record("cam", memory.Base(), 30, 2*time.Second)
			dir := t.TempDir()
			span := archive.NewSpan(memory.Base(), time.Minute)
			l, _ := library(t, m, clip.Options{TimelineDir: dir})
			lookUp(t, l, "cam", span)
			files, err := filepath.Glob(filepath.Join(dir, "*", "*.gz"))
			if err != nil || len(files) != 1 {
				t.Fatalf("files %v, %v", files, err)
			}
			content, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(files[0], damage(content), 0o600); err != nil {
				t.Fatal(err)
			}
			again, _ := library(t, m, clip.Options{TimelineDir: dir})
			if got := lookUp(t, again, "cam", span).Fragments(); got != 30 {
				t.Errorf("%d fragments, want 30", got)
			}
			if _, lists, _ := m.Calls(); lists < 2 {
				t.Errorf("%d listings: damaged memory was believed", lists)
			}
		})
	}
}

func TestFootageAndSidecar(t *testing.T) {
	m := memory.New()
	m.Record("cam", memory.Base(), 5, 2*time.Second)
	m.Record("cam", memory.Base().Add(30*time.Second), 5, 2*time.Second)
	l, _ := library(t, m, clip.Options{})
	got, err := l.Footage(t.Context(), "cam", archive.NewSpan(memory.Base(), time.Hour))
	want := timeline.Footage{Length: 20 * time.Second, First: memory.Base(), Last: memory.Base().Add(38 * time.Second)}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, want -, got +:\n%s", err, diff)
	}
	text := sidecarOf(t, lookUp(t, l, "cam", archive.NewSpan(memory.Base().Add(-time.Second), 30*time.Minute)))
	var sidecar struct {
		Stream, Timestamps, Start, End, First string
		Offset                                float64 `json:"offset_seconds"`
		Totals                                struct {
			Fragments int
			Bytes     int64
			Footage   float64 `json:"footage_seconds"`
			Gaps      float64 `json:"gap_seconds"`
		}
		Gaps      []struct{ Start, End string }
		Fragments []struct {
			Number, Producer, Server string
			Bytes                    int64
		}
	}
	if err := json.Unmarshal(text, &sidecar); err != nil {
		t.Fatal(err)
	}
	if s := sidecar; s.Stream != "cam" || s.Timestamps != "producer" || s.Start != "1999-12-31T19:59:59.000Z" || s.End != "1999-12-31T20:29:59.000Z" ||
		s.First != "1999-12-31T20:00:00.000Z" || s.Offset != 1 || s.Totals.Fragments != 10 || s.Totals.Bytes != 40_000 ||
		s.Totals.Footage != 20 || s.Totals.Gaps != 20 || len(s.Fragments) != 10 || s.Fragments[9].Producer != "1999-12-31T20:00:38.000Z" {
		t.Errorf("got %s", text)
	}
	if len(sidecar.Gaps) != 1 || sidecar.Gaps[0].Start != "1999-12-31T20:00:10.000Z" || sidecar.Gaps[0].End != "1999-12-31T20:00:30.000Z" {
		t.Errorf("gaps: got %v", sidecar.Gaps)
	}
}

func TestStreamsToShow(t *testing.T) {
	m := memory.New()
	for _, name := range []archive.StreamName{"door-1", "door-2", "yard"} {
		m.Record(name, memory.Base(), 1, time.Second)
	}
	list := func(o clip.Options) (string, error) {
		l, _ := library(t, m, o)
		streams, err := l.Streams(t.Context())
		var all []string
		for _, s := range streams {
			all = append(all, string(s.Name))
		}
		if _, err := l.Stream(t.Context(), "yard"); (err == nil) != (len(o.Streams) == 0 && o.StreamPrefix == "") {
			t.Errorf("%+v: yard: %v", o, err)
		}
		return strings.Join(all, " "), err
	}
	for want, o := range map[string]clip.Options{
		"door-1 door-2 yard": {}, "door-1 door-2": {StreamPrefix: "door-"}, "door-2": {Streams: []archive.StreamName{"door-2", "missing"}},
	} {
		if got, err := list(o); err != nil || got != want {
			t.Errorf("%+v: got %q, %v; want %q", o, got, err, want)
		}
	}
	m.Change(func() { m.RefuseStreams = archive.ErrNotListable })
	for want, o := range map[string]clip.Options{"": {}, "door-2": {Streams: []archive.StreamName{"door-2"}}} {
		if got, err := list(o); err != nil || got != want {
			t.Errorf("not permitted, %+v: got %q, %v; want %q", o, got, err, want)
		}
	}
	for _, other := range []error{archive.ErrCredentials, archive.ErrDenied, archive.ErrRefused} {
		m.Change(func() { m.RefuseStreams = other })
		if got, err := list(clip.Options{}); !errors.Is(err, other) {
			t.Errorf("%v: got %q, %v", other, got, err)
		}
	}
}

// TestLengths: every listed length with footage in it is listed, whatever number of calls the clip takes.
func TestLengths(t *testing.T) {
	m := memory.New()
	start, all := memory.Base(), names.ListedLengths()
	m.Record("cam", start, 3600, time.Second)
	m.Record("short", start.Add(2*time.Minute), 30, 2*time.Second)
	m.Record("gaps", start.Add(4*time.Minute), 5, 2*time.Second)
	m.Record("gaps", start.Add(20*time.Minute), 5, 2*time.Second)
	m.Record("late", start.Add(5*time.Minute), 1, 2*time.Second)
	l, _ := library(t, m, clip.Options{})
	for _, test := range []struct {
		stream archive.StreamName
		start  time.Time
		want   []time.Duration
	}{
		{"cam", start, all}, // 1h is 3,600 fragments
		{"cam", start.Add(time.Hour), nil},
		{"cam", start.Add(45 * time.Minute), all},
		{"cam", start.Add(-10 * time.Minute), all[3:]}, // 10m ends where the footage begins
		{"cam", start.Add(-10*time.Minute + time.Millisecond), all[2:]},
		{"short", start, all[1:]},
		{"gaps", start, all[1:]},
		{"gaps", start.Add(5 * time.Minute), all[4:]},
		{"late", start, all[2:]},
	} {
		got, err := l.Lengths(t.Context(), test.stream, archive.Start{Time: test.start, Precision: archive.Minute})
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s %s: %v, want -, got +:\n%s", test.stream, test.start, err, diff)
		}
		for _, length := range all {
			_, err := l.Clip(t.Context(), test.stream, archive.NewSpan(test.start, length))
			if listed := slices.Contains(got, length); listed != (err == nil) {
				t.Errorf("%s %s %s: listed %t, looked up %v", test.stream, test.start, length, listed, err)
			}
		}
	}
	if payloads, lists, _ := m.Calls(); payloads != 0 || lists > 13 { // where an hour was four pages, the empty one after it is asked for in four too
		t.Errorf("cost %d GetClip and %d ListFragments", payloads, lists)
	}
}

// TestLastLengths: the clips up to the newest footage are listed whatever they take, and cost only the search for it.
func TestLastLengths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory.New()
		m.Record("cam", time.Now().Add(-time.Hour), 3600, time.Second)
		m.Record("gaps", time.Now().Add(-30*time.Minute), 5, 2*time.Second)
		m.Record("gaps", time.Now().Add(-3*time.Minute), 5, 20*time.Second)
		m.Recorded["empty"] = nil
		l, c := library(t, m, clip.Options{})
		defer func() { _ = c.Close() }()
		for _, stream := range []archive.StreamName{"cam", "gaps"} {
			_, before, _ := m.Calls()
			got, err := l.LastLengths(t.Context(), stream)
			if diff := cmp.Diff(names.ListedLengths(), got); err != nil || diff != "" {
				t.Errorf("%s: %v, want -, got +:\n%s", stream, err, diff)
			}
			if _, after, _ := m.Calls(); after-before > 5 {
				t.Errorf("%s: cost %d pages of listings, want those of the last two hours", stream, after-before)
			}
		}
		if got, err := l.LastLengths(t.Context(), "empty"); !errors.Is(err, archive.ErrNoFootage) {
			t.Errorf("without footage: %v, %v", got, err)
		}
	})
}

// TestGaps: a gap is more than a second without footage, and never the frame that lengths leave out.
func TestGaps(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for _, test := range []struct {
		name    string
		starts  []time.Duration
		lengths []time.Duration
		parts   int
	}{
		{"contiguous, a frame short", []time.Duration{0, 2 * s, 4 * s, 6 * s}, []time.Duration{1960 * ms}, 1},
		{"contiguous, lengths exact", []time.Duration{0, 2 * s, 4 * s, 6 * s}, []time.Duration{2 * s}, 1},
		{"one frame in two seconds, length 0", []time.Duration{0, 2 * s, 4 * s, 6 * s, 8 * s}, []time.Duration{0}, 1},
		{"one frame in two seconds, then a gap", []time.Duration{0, 2 * s, 4 * s, 14 * s, 16 * s}, []time.Duration{0}, 2},
		{"a frame in five seconds, three a fragment", []time.Duration{0, 15 * s, 30 * s, 45 * s}, []time.Duration{10 * s}, 1},
		{"gap of exactly a second", []time.Duration{0, 2 * s, 5 * s, 7 * s, 9 * s}, []time.Duration{1960 * ms}, 1},
		{"gap of a second and a bit", []time.Duration{0, 2 * s, 5*s + 1*ms, 7*s + 1*ms, 9*s + 1*ms}, []time.Duration{1960 * ms}, 2},
		{"two fragments far apart", []time.Duration{0, 15 * s}, []time.Duration{1960 * ms}, 2},
		{"two gaps", []time.Duration{0, 2 * s, 30 * s, 32 * s, 60 * s, 62 * s}, []time.Duration{1960 * ms}, 3},
		{"overlap, of which the older is served", []time.Duration{0, 2 * s, 3 * s, 5 * s}, []time.Duration{1960 * ms}, 1},
		{"overlap at the end, which no call may cross", []time.Duration{0, 2 * s, 4 * s, 5 * s}, []time.Duration{1960 * ms}, 2},
		{"sound leads by 93 ms once", []time.Duration{0, 2 * s, 3947 * ms, 6 * s}, []time.Duration{2 * s, 1960 * ms, 2013 * ms, 1960 * ms}, 1},
		{"sound leads each time", []time.Duration{0, 2 * s, 4 * s, 6 * s}, []time.Duration{2053 * ms}, 1},
		{"overlap of more than a quarter of a second", []time.Duration{0, 2 * s, 4 * s, 5690 * ms}, []time.Duration{1960 * ms}, 2},
		{"two sessions that take turns once", []time.Duration{0, 2 * s, 4 * s, 4300 * ms, 6 * s, 8 * s, 10 * s, 12 * s, 14 * s, 16 * s,
			18 * s, 20 * s, 22 * s, 24 * s, 26 * s, 28 * s}, []time.Duration{1960 * ms}, 1},
		{"lengths that are said to be longer than they are", []time.Duration{0, 2 * s, 4 * s, 6 * s, 8 * s, 10 * s}, []time.Duration{2500 * ms}, 1},
		{"recorded twice from end to end", []time.Duration{0, s, 2 * s, 3 * s, 4 * s, 5 * s}, []time.Duration{1960 * ms}, 1},
		{"lengths vary", []time.Duration{0, 2 * s, 9 * s, 10 * s}, []time.Duration{1960 * ms, 6960 * ms, 960 * ms, 1960 * ms}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := memory.New()
			if m.Twice = memory.Dropped; test.lengths[0] > 2*s+250*ms {
				m.Twice = memory.Kept
			}
			for i, start := range test.starts {
				m.Record("cam", memory.Base().Add(start), 1, 2*s)
				m.Recorded["cam"][i].Length = test.lengths[min(i, len(test.lengths)-1)]
			}
			l, _ := library(t, m, clip.Options{})
			h, err := lookUp(t, l, "cam", archive.NewSpan(memory.Base(), 10*time.Minute)).Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
			if parts, _, _ := m.Calls(); parts != test.parts {
				t.Errorf("%d GetClip calls, want %d parts", parts, test.parts)
			}
		})
	}
}

func TestStreams(t *testing.T) {
	m := memory.New()
	for _, name := range []archive.StreamName{"c", "a", "b"} {
		m.Record(name, memory.Base(), 1, time.Second)
	}
	l, _ := library(t, m, clip.Options{})
	streams, err := l.Streams(t.Context())
	names := make([]archive.StreamName, 0, len(streams))
	for _, s := range streams {
		names = append(names, s.Name)
	}
	if err != nil || !slices.Equal(names, []archive.StreamName{"a", "b", "c"}) {
		t.Errorf("got %v, %v", names, err)
	}
	for _, name := range []archive.StreamName{"a", "c"} {
		if _, err := l.Stream(t.Context(), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if m.Describes != 0 {
		t.Errorf("a listing describes its streams, yet there were %d DescribeStream calls", m.Describes)
	}
	for _, name := range []archive.StreamName{"none", "none", "no such", "..", ""} {
		if _, err := l.Stream(t.Context(), name); !errors.Is(err, archive.ErrNoStream) {
			t.Errorf("%q: got %v, want ErrNoStream", name, err)
		}
	}
	if m.Describes != 1 {
		t.Errorf("names without a stream cost %d DescribeStream calls, want 1", m.Describes)
	}
}

// TestStreamsComeAndGo: a new stream shows up after the TTL, or when it is asked for by name a few seconds after it was
// not there, and one that is gone vanishes.
func TestStreamsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := memory.New()
		m.Record("old", memory.Base(), 1, time.Second)
		l, c := library(t, m, clip.Options{})
		defer func() { _ = c.Close() }()
		list := func() (all []archive.StreamName) {
			streams, err := l.Streams(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range streams {
				all = append(all, s.Name)
			}
			return all
		}
		list()
		if _, err := l.Stream(t.Context(), "new"); !errors.Is(err, archive.ErrNoStream) {
			t.Errorf("before it is made: %v", err)
		}
		m.Record("new", memory.Base(), 1, time.Second)
		delete(m.Recorded, "old")
		time.Sleep(6 * time.Second)
		if _, err := l.Stream(t.Context(), "new"); err != nil {
			t.Errorf("by name, after it was made: %v", err)
		}
		if got := list(); !slices.Equal(got, []archive.StreamName{"old"}) {
			t.Errorf("within the TTL: %v", got)
		}
		time.Sleep(time.Minute)
		if got := list(); !slices.Equal(got, []archive.StreamName{"new"}) {
			t.Errorf("after the TTL: %v", got)
		}
		if _, err := l.Stream(t.Context(), "old"); !errors.Is(err, archive.ErrNoStream) {
			t.Errorf("by name, after it is gone: %v", err)
		}
	})
}

// TestClocksGoBackHalfAnHour: what was recorded while Lord Howe's clocks showed half an hour twice is listed once, in
// minutes whose names lead to it.
func TestClocksGoBackHalfAnHour(t *testing.T) {
	m := memory.New()
	begin := instant(t, "2024-04-06T14:00:00Z") // 01:00, an hour before it is 01:30 again
	m.Record("cam", begin, 3600, 2*time.Second)
	g := names.Grammar{Location: location(t, "Australia/Lord_Howe")}
	l, _ := library(t, m, clip.Options{Grammar: g})
	day, err := g.ParseStart("2024-04-07")
	if err != nil {
		t.Fatal(err)
	}
	hours, err := l.DayHours(t.Context(), "cam", day)
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[time.Time]int)
	for _, h := range hours {
		hour, err := g.ParseWithin(day, g.FormatStart(h.Time, archive.Hour))
		if err != nil {
			t.Fatal(err)
		}
		minutes, err := l.Minutes(t.Context(), "cam", hour)
		if err != nil {
			t.Fatal(err)
		}
		for _, minute := range minutes {
			listed[minute.Time]++
			if got, err := g.ParseWithin(hour, g.FormatStart(minute.Time, archive.Minute)); err != nil || got != minute {
				t.Errorf("%s in %s: got %v, %v", minute.Time, g.FormatStart(hour.Time, archive.Hour), got, err)
			}
		}
	}
	if lengths, err := l.Lengths(t.Context(), "cam", hours[0]); err != nil || !slices.Equal(lengths, []time.Duration{time.Hour, 90 * time.Minute}) {
		t.Errorf("the hour before: listed as %v, %v; want an hour, and all of it", lengths, err)
	}
	twice, nowhere := 0, 0
	for i := range 120 {
		switch listed[begin.Add(time.Duration(i)*time.Minute)] {
		case 0:
			nowhere++
		case 1:
		default:
			twice++
		}
	}
	if twice != 0 || nowhere != 0 {
		t.Errorf("hours %s: of 120 minutes %d are listed twice and %d nowhere", namesOf(g, hours), twice, nowhere)
	}
}

// location gives a time zone.
func location(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatalf("time zone %s: %v", name, err)
	}
	return loc
}

// instant reads a time.
func instant(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return v.UTC()
}
