package clip_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/clip"

	"github.com/google/go-cmp/cmp"
)

func TestListingIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(100 * time.Hour) // away from the bubble's epoch
		m := newMemory()
		now := time.Now()
		m.record("cam", now.Add(-10*time.Hour), 6*1800, 2*time.Second)
		l, c := library(t, m, clip.Options{MetadataTTL: time.Minute})
		past := clip.NewSpan(now.Add(-9*time.Hour), 10*time.Minute)
		lists := func() int { _, n, _ := m.calls(); return n }
		for range 3 {
			lookUp(t, l, "cam", past)
		}
		lookUp(t, l, "cam", clip.NewSpan(past.Start.Add(20*time.Minute), 10*time.Minute))
		if got := lists(); got != 1 {
			t.Errorf("one hour of the past: %d calls, want 1", got)
		}
		time.Sleep(59 * time.Second)
		lookUp(t, l, "cam", past)
		if got := lists(); got != 1 {
			t.Errorf("within the TTL: %d calls, want 1", got)
		}
		time.Sleep(2 * time.Second)
		lookUp(t, l, "cam", past)
		if got := lists(); got != 2 {
			t.Errorf("after the TTL: %d calls, want 2", got)
		}
		// At the live edge footage has to show up soon.
		edge := clip.NewSpan(time.Now().Add(-time.Minute), 10*time.Minute)
		m.record("cam", time.Now().Add(-30*time.Second), 1, 2*time.Second)
		before := lookUp(t, l, "cam", edge)
		m.record("cam", time.Now().Add(-28*time.Second), 1, 2*time.Second)
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
	m := newMemory()
	m.record("cam", base(), 10, 2*time.Second)
	once := lookUpNew(t, m)
	m.fragments["cam"] = append(m.fragments["cam"], m.fragments["cam"][3])
	later := m.fragments["cam"][5]
	later.ID = "9" + later.ID[1:]
	m.fragments["cam"] = append(m.fragments["cam"], later)
	if twice := lookUpNew(t, m); twice.Key() != once.Key() {
		t.Errorf("keys %s and %s, fragments %d and %d", once.Key(), twice.Key(), once.Fragments(), twice.Fragments())
	}
}

// lookUpNew looks the first minute up in a fresh library.
func lookUpNew(t *testing.T, m *memory) *clip.Clip {
	l, _ := library(t, m, clip.Options{})
	return lookUp(t, l, "cam", clip.NewSpan(base(), time.Minute))
}

func TestLatestAndHours(t *testing.T) {
	hour := func(h int) time.Time { return time.Date(2026, 3, 29, h, 0, 0, 0, time.UTC) }
	for _, test := range []struct {
		name     string
		now      time.Time
		record   []time.Time
		zone     string
		latest   time.Time
		hours    string
		mostAsks int
	}{
		{"at the edge", hour(12).Add(30 * time.Minute), []time.Time{hour(3), hour(10), hour(12)}, "UTC", hour(12).Add(58 * time.Second), "2026-03-29T03 2026-03-29T10 2026-03-29T12", 24},
		{"an hour ago", hour(12).Add(30 * time.Minute), []time.Time{hour(3), hour(11)}, "UTC", hour(11).Add(58 * time.Second), "2026-03-29T03 2026-03-29T11", 24},
		{"weeks ago", hour(12).Add(20 * 24 * time.Hour), []time.Time{hour(3), hour(5)}, "UTC", hour(5).Add(58 * time.Second), "2026-03-29T03 2026-03-29T05", 24 + 20},
		{"clocks went forward", hour(12), []time.Time{hour(0), hour(1), hour(2)}, "Europe/Berlin", hour(2).Add(58 * time.Second), "2026-03-29T01 2026-03-29T03 2026-03-29T04", 24 + 8},
		{"more than a day", hour(12), []time.Time{hour(3).Add(-24 * time.Hour), hour(4).Add(-24 * time.Hour), hour(3)}, "UTC", hour(3).Add(58 * time.Second), "2026-03-28T04 2026-03-29T03", 24 + 8},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(test.now))
				m := newMemory()
				for _, start := range test.record {
					m.record("cam", start, 30, 2*time.Second)
				}
				g := clip.Grammar{Location: zone(t, test.zone)}
				l, c := library(t, m, clip.Options{Grammar: g})
				defer func() { _ = c.Close() }()
				latest, err := l.Latest(t.Context(), "cam")
				if err != nil || !latest.Equal(test.latest) {
					t.Errorf("latest: got %s, %v; want %s", latest, err, test.latest)
				}
				hours, err := l.Hours(t.Context(), "cam")
				var names string
				for i, h := range hours {
					if i > 0 {
						names += " "
					}
					names += g.FormatStart(h, clip.Hour)
				}
				if err != nil || names != test.hours {
					t.Errorf("hours: got %q, %v; want %q", names, err, test.hours)
				}
				payloads, _, probes := m.calls()
				if probes > test.mostAsks || payloads > 0 {
					t.Errorf("cost %d probes and %d GetClip, want at most %d and none", probes, payloads, test.mostAsks)
				}
				if _, err := l.Hours(t.Context(), "cam"); err != nil {
					t.Error(err)
				}
				if _, _, again := m.calls(); again != probes {
					t.Errorf("asked again at once: %d probes more", again-probes)
				}
			})
		})
	}
	m := newMemory()
	m.fragments["empty"] = nil
	l, _ := library(t, m, clip.Options{})
	if _, err := l.Latest(t.Context(), "empty"); !errors.Is(err, clip.ErrNoFootage) {
		t.Errorf("stream without footage: got %v", err)
	}
	if _, err := l.Latest(t.Context(), "none"); !errors.Is(err, clip.ErrNoStream) {
		t.Errorf("no stream: got %v", err)
	}
}

func TestLengths(t *testing.T) {
	m := newMemory()
	start := base()
	m.record("cam", start, 3600/10, 10*time.Second)
	m.record("short", start.Add(2*time.Minute), 30, 2*time.Second)
	l, _ := library(t, m, clip.Options{})
	for _, test := range []struct {
		stream clip.StreamName
		start  time.Time
		want   []time.Duration
	}{
		{"cam", start, []time.Duration{time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute}}, // 1h is 360 fragments
		{"cam", start.Add(time.Hour), nil},
		{"cam", start.Add(45 * time.Minute), clip.ListedLengths()},
		{"short", start, clip.ListedLengths()[1:]},
	} {
		got, err := l.Lengths(t.Context(), test.stream, clip.Start{Time: test.start, Precision: clip.Minute})
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s %s: %v, want -, got +:\n%s", test.stream, test.start, err, diff)
		}
	}
	if payloads, lists, _ := m.calls(); payloads != 0 || lists > 4 {
		t.Errorf("cost %d GetClip and %d ListFragments", payloads, lists)
	}
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
		{"overlap", []time.Duration{0, 2 * s, 3 * s, 5 * s}, []time.Duration{1960 * ms}, 1},
		{"lengths vary", []time.Duration{0, 2 * s, 9 * s, 10 * s}, []time.Duration{1960 * ms, 6960 * ms, 960 * ms, 1960 * ms}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMemory()
			for i, start := range test.starts {
				m.record("cam", base().Add(start), 1, 2*s)
				m.fragments["cam"][i].Length = test.lengths[min(i, len(test.lengths)-1)]
			}
			l, _ := library(t, m, clip.Options{})
			_, err := lookUp(t, l, "cam", clip.NewSpan(base(), 10*time.Minute)).Open(t.Context())
			if one := err == nil; one != (test.parts == 1) {
				t.Errorf("open: %v, want %d parts", err, test.parts)
			}
		})
	}
}

func TestStreams(t *testing.T) {
	m := newMemory()
	for _, name := range []clip.StreamName{"c", "a", "b"} {
		m.record(name, base(), 1, time.Second)
	}
	l, _ := library(t, m, clip.Options{})
	streams, err := l.Streams(t.Context())
	names := make([]clip.StreamName, 0, len(streams))
	for _, s := range streams {
		names = append(names, s.Name)
	}
	if err != nil || !slices.Equal(names, []clip.StreamName{"a", "b", "c"}) {
		t.Errorf("got %v, %v", names, err)
	}
	for _, name := range []clip.StreamName{"a", "c"} {
		if _, err := l.Stream(t.Context(), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if m.describes != 0 {
		t.Errorf("a listing describes its streams, yet there were %d DescribeStream calls", m.describes)
	}
	for _, name := range []clip.StreamName{"none", "none", "no such", "..", ""} {
		if _, err := l.Stream(t.Context(), name); !errors.Is(err, clip.ErrNoStream) {
			t.Errorf("%q: got %v, want ErrNoStream", name, err)
		}
	}
	if m.describes != 1 {
		t.Errorf("names without a stream cost %d DescribeStream calls, want 1", m.describes)
	}
}
